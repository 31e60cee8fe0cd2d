//! The only data that crosses the real-time border: commands and stops inward; reports, events, snapshots and
//! times outward. Every structure is bounded and fixed at start; neither side ever waits for the other.
//!
//! | file | direction | what it is |
//! |---|---|---|
//! | [`command`], [`ticket`] | in | commands, each taken by the cycle or withdrawn by the gateway |
//! | [`pool`] | in | the targets of group moves and the [`figures`] of axes, by index and generation |
//! | [`stop`] | in | stop generations: no queue |
//! | [`event`] | out | reports (never dropped) and events (dropped and counted when nobody takes them) |
//! | [`snapshot`] | out | one cycle's state |
//! | [`histogram`] | out | times |
//! | [`ring`], [`latest`] | | the wait-free ring and the newest-value cell under them |

pub mod command;
pub mod event;
pub mod figures;
pub mod histogram;
pub mod latest;
pub mod pool;
pub mod ring;
pub mod snapshot;
pub mod stop;
mod sync;
#[cfg(test)]
mod tests;
pub mod ticket;

use crate::geometry::Piece;
use crate::limits::{COMMAND_RING, EVENT_RING, FIGURE_SLOTS, MAX_GROUP_AXES, PIECE_RING, REPORT_RING, TARGET_SLOTS};
use figures::FIGURES;

/// What the cycle holds of the exchange.
pub struct CycleEnds {
    /// Commands to take.
    pub commands: ticket::CommandReceiver,
    /// The targets of group moves.
    pub targets: pool::SlotTaker<MAX_GROUP_AXES>,
    /// The new figures of axes.
    pub figures: pool::SlotTaker<FIGURES>,
    /// The pieces of paths, one ring a group.
    pub pieces: Box<[ring::Receiver<Piece>]>,
    /// Stops, to be read first.
    pub stops: stop::StopReader,
    /// Reports; there is always a place (see [`crate::limits::REPORT_RING`]).
    pub reports: ring::Sender<event::Report>,
    /// Events.
    pub events: ring::Sender<event::Event>,
    /// The newest state.
    pub snapshots: snapshot::SnapshotWriter,
}

/// What the gateway holds of the exchange.
pub struct GatewayEnds {
    /// Where commands go.
    pub commands: ticket::CommandSender,
    /// Where the targets of group moves go.
    pub targets: pool::SlotClaimer<MAX_GROUP_AXES>,
    /// Where the new figures of axes go.
    pub figures: pool::SlotClaimer<FIGURES>,
    /// Where the pieces of paths go, one ring a group.
    pub pieces: Box<[ring::Sender<Piece>]>,
    /// Where stops go; copied to whoever may stop.
    pub stops: stop::StopBoard,
    /// Reports to take.
    pub reports: ring::Receiver<event::Report>,
    /// Events to take.
    pub events: ring::Receiver<event::Event>,
    /// The newest state; copied to whoever wants it.
    pub snapshots: snapshot::SnapshotReader,
}

/// Everything between the cycle and the gateway, for a machine of this shape.
pub fn open(shape: snapshot::Shape) -> (CycleEnds, GatewayEnds) {
    let (command_sender, command_receiver) = ticket::commands(COMMAND_RING);
    let (claimer, taker) = pool::pool(TARGET_SLOTS);
    let (figure_claimer, figure_taker) = pool::pool(FIGURE_SLOTS);
    let (piece_senders, piece_receivers): (Vec<_>, Vec<_>) =
        (0..shape.groups).map(|_| ring::channel(PIECE_RING)).unzip();
    let (board, stop_reader) = stop::board(shape.axes, shape.groups);
    let (report_sender, report_receiver) = ring::channel(REPORT_RING);
    let (event_sender, event_receiver) = ring::channel(EVENT_RING);
    let (writer, reader) = snapshot::snapshots(shape);
    (
        CycleEnds {
            commands: command_receiver,
            targets: taker,
            figures: figure_taker,
            pieces: piece_receivers.into(),
            stops: stop_reader,
            reports: report_sender,
            events: event_sender,
            snapshots: writer,
        },
        GatewayEnds {
            commands: command_sender,
            targets: claimer,
            figures: figure_claimer,
            pieces: piece_senders.into(),
            stops: board,
            reports: report_receiver,
            events: event_receiver,
            snapshots: reader,
        },
    )
}
