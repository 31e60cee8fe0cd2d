//! What the machine does while services die around it, and how it stops when nothing else works: the whole daemon with
//! its real socket, every cycle of it let run by the test.

mod blends;
mod capped;
mod clock;
mod crossings;
mod edges;
mod ended;
mod held;
mod jog;
mod leases;
mod parameters;
mod path_acts;
mod paths;
mod services;
mod stop;
mod stream_acts;
mod streams;
mod telemetry;
