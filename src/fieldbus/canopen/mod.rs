//! CANopen: a master for CiA 402 drives and CiA 401 terminals on a SocketCAN interface (CiA 301, CiA 402).
//!
//! | module | what it is |
//! |---|---|
//! | [`frame`], [`wire`], [`socket`], [`arrival`] | frames, what carries them, the real thing, when they came |
//! | [`connection`], [`nmt`], [`emergency`] | identifiers, network management, emergencies |
//! | [`sdo`] | objects read and written |
//! | [`plan`], [`node`], [`attendant`] | what a node is given, how it stands, and who gives it |
//! | [`bring_up`], [`bus`] | from an interface to nodes that exchange, and the exchange |
//! | [`lss`] | node ids and bit rates of devices that have none |
//! | [`load`], [`figures`] | how full the wire is, and what befell it |
//! | [`restart`] | an interface that went off its bus |
//! | [`requests`] | objects read and written while the machine runs |

pub mod arrival;
pub mod attendant;
pub mod bring_up;
pub mod bus;
pub mod connection;
pub mod emergency;
pub mod figures;
pub mod frame;
pub mod load;
pub mod lss;
pub mod nmt;
pub mod node;
pub mod plan;
pub mod requests;
pub mod restart;
pub mod sdo;
pub mod socket;
pub mod wire;
