//! EtherCAT.

pub mod mailbox;
