//! The real-time cycle: it alone joins motion, drives and buses.
