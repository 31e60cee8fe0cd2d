//! Pieces as they are for who goes back along the path.
//!
//! Time that runs backwards changes no limit of an axis: what may be done at a place is the same. So who goes back follows the pieces behind it, each
//! turned round, under the ceilings that were planned for that way.

use crate::geometry::{Envelope, Piece};
use crate::limits::PIECES_AHEAD;

use super::margin::MOST_CHANGE;
use super::pieces::Pieces;

/// Piece `number` turned round, `potential` and `distance` behind the beginning of the way back; `None` where it is not kept.
#[inline(never)]
pub fn mirrored(pieces: &Pieces, number: u64, lag: f64, (potential, distance): (f64, f64)) -> Option<Piece> {
    let piece = pieces.get(number)?;
    let Piece { length, envelope, .. } = *piece;
    let whole = envelope.potential(length);
    let rests = match number.checked_sub(1) {
        None => true,
        Some(before) => pieces.get(before).is_some_and(|before| before.rests),
    };
    let mut axes = piece.axes;
    axes.iter_mut().for_each(|cubic| *cubic = cubic.back_from(length));
    Some(Piece {
        axes,
        envelope: Envelope { acceleration: envelope.at(length), slope: -envelope.slope, rate: envelope.rate, lag },
        ceiling: piece.back_ceiling.back_from(whole),
        feed: piece.back_feed.back_from(whole),
        potential,
        landing: None,
        distance,
        rests,
        last: false,
        ..*piece
    })
}

/// acceleration / rate at its worst from `count` pieces back, the first of which is `first`, for as long as a change of the share may take.
/// Bound: `count` and PIECES_AHEAD.
#[inline(never)]
pub fn lag_back(pieces: &Pieces, first: u64, count: u64, period_s: f64) -> f64 {
    let (mut acceleration, mut rate, mut time) = (0.0_f64, f64::INFINITY, 0.0);
    let last = first.saturating_sub(count - 1);
    for number in (last.saturating_sub(PIECES_AHEAD as u64)..=first).rev() {
        let Some(piece) = pieces.get(number) else { break };
        acceleration = acceleration.max(piece.envelope.acceleration).max(piece.envelope.at(piece.length));
        rate = rate.min(piece.envelope.rate);
        // It may be at the beginning of the last of them.
        if number < last {
            time += piece.length / (2.0 * piece.cap).sqrt().max(1e-9);
        }
        if time > MOST_CHANGE / rate + 3.0 * period_s {
            break;
        }
    }
    acceleration / rate
}
