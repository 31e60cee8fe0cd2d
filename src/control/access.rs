//! Who has which role.

use nix::unistd::{Gid, Uid};

use super::peer::Peer;
use super::role::Role;
use super::socket::Origin;

/// Who has which role. Root and the daemon's own user commission; the others go by their user groups.
#[derive(Clone, Debug)]
pub struct Access {
    own: Uid,
    operate: Vec<Gid>,
    commission: Vec<Gid>,
}

impl Access {
    /// Members of these groups operate, or commission.
    pub fn of_groups(operate: Vec<Gid>, commission: Vec<Gid>) -> Access {
        Access { own: Uid::effective(), operate, commission }
    }

    /// The role of a user in these groups.
    pub fn role(&self, user: Uid, mut groups: impl Iterator<Item = Gid> + Clone) -> Role {
        if user.is_root() || user == self.own || groups.clone().any(|group| self.commission.contains(&group)) {
            Role::Commission
        } else if groups.any(|group| self.operate.contains(&group)) {
            Role::Operate
        } else {
            Role::Observe
        }
    }

    /// The role of the process that connected.
    pub fn role_of_peer(&self, peer: &Peer) -> Role {
        self.role(peer.uid, peer.groups.iter().copied().chain([peer.gid]))
    }

    /// The role of a message on a connection that `peer` opened: no more than the peer's, and no more than the sender's.
    /// Both count, for a socket that is passed on shall neither carry its owner's rights to others, nor let its owner
    /// have others write with theirs. Of a sender who is not the peer only the primary group is known.
    pub fn role_of_message(&self, peer: &Peer, origin: Option<Origin>) -> Role {
        let of_peer = self.role_of_peer(peer);
        match origin {
            Some(origin) if origin.uid == peer.uid && origin.gid == peer.gid => of_peer,
            Some(origin) => of_peer.min(self.role(origin.uid, [origin.gid].into_iter())),
            None => Role::Observe,
        }
    }
}

impl Default for Access {
    /// Nobody but root and the daemon's own user.
    fn default() -> Access {
        Access::of_groups(Vec::new(), Vec::new())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALICE: Uid = Uid::from_raw(60_001);
    const BOB: Uid = Uid::from_raw(60_002);
    const USERS: Gid = Gid::from_raw(60_100);
    const OPERATORS: Gid = Gid::from_raw(60_101);
    const FITTERS: Gid = Gid::from_raw(60_102);

    fn access() -> Access {
        Access { own: Uid::from_raw(60_000), operate: vec![OPERATORS], commission: vec![FITTERS] }
    }

    fn peer(uid: Uid, gid: Gid, groups: &[Gid]) -> Peer {
        Peer { uid, gid, pid: 7, groups: groups.to_vec() }
    }

    fn origin(uid: Uid, gid: Gid) -> Option<Origin> {
        Some(Origin { uid, gid, pid: 8 })
    }

    #[test]
    fn the_highest_role_of_all_groups_counts() {
        let access = access();
        assert_eq!(access.role_of_peer(&peer(ALICE, USERS, &[])), Role::Observe);
        assert_eq!(access.role_of_peer(&peer(ALICE, OPERATORS, &[])), Role::Operate);
        assert_eq!(access.role_of_peer(&peer(ALICE, USERS, &[USERS, OPERATORS])), Role::Operate);
        assert_eq!(access.role_of_peer(&peer(ALICE, OPERATORS, &[FITTERS])), Role::Commission);
        assert_eq!(access.role_of_peer(&peer(Uid::from_raw(0), USERS, &[])), Role::Commission);
        assert_eq!(access.role_of_peer(&peer(Uid::from_raw(60_000), USERS, &[])), Role::Commission);
    }

    #[test]
    fn a_message_has_the_lesser_role_of_who_connected_and_who_sent_it() {
        let access = access();
        let root = peer(Uid::from_raw(0), Gid::from_raw(0), &[]);
        let alice = peer(ALICE, USERS, &[FITTERS]);
        let nobody = peer(BOB, USERS, &[]);
        assert_eq!(access.role_of_message(&alice, origin(ALICE, USERS)), Role::Commission);
        assert_eq!(access.role_of_message(&alice, origin(BOB, OPERATORS)), Role::Operate);
        assert_eq!(access.role_of_message(&alice, origin(BOB, USERS)), Role::Observe);
        assert_eq!(access.role_of_message(&alice, origin(ALICE, OPERATORS)), Role::Operate);
        assert_eq!(access.role_of_message(&root, origin(BOB, USERS)), Role::Observe);
        assert_eq!(access.role_of_message(&nobody, origin(Uid::from_raw(0), Gid::from_raw(0))), Role::Observe);
        assert_eq!(access.role_of_message(&root, None), Role::Observe);
    }
}
