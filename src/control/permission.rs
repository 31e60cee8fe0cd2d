//! Which role each method needs. This is the only place that says so; the `.varlink` files repeat it for people.

use serde_json::json;

use super::call::{Request, Sender};
use super::door::Door;
use super::failure::{Failure, fields};
use super::role::Role;
use super::role::Role::{Commission, Observe, Operate};

/// Each method with the role that it needs, by interface.
const NEEDED: &[(&str, &[(&str, Role)])] = &[
    ("org.varlink.service", &[("GetInfo", Observe), ("GetInterfaceDescription", Observe)]),
    (
        "io.motiond.v1.Machine",
        &[
            ("Describe", Observe),
            ("Status", Observe),
            ("Stop", Operate),
            ("Release", Operate),
            ("Reset", Operate),
            ("SetOutput", Operate),
            ("SetAnalogOutput", Operate),
            ("RecoverBus", Operate),
        ],
    ),
    (
        "io.motiond.v1.Axis",
        &[
            ("Describe", Observe),
            ("List", Observe),
            ("Status", Observe),
            ("Stop", Operate),
            ("Release", Operate),
            ("Power", Operate),
            ("Reset", Operate),
            ("MoveAbsolute", Operate),
            ("MoveRelative", Operate),
            ("MoveAdditive", Operate),
            ("MoveVelocity", Operate),
            ("Jog", Operate),
            ("Halt", Operate),
            ("SetOverride", Operate),
            ("SetPosition", Commission),
        ],
    ),
    (
        "io.motiond.v1.Group",
        &[
            ("Describe", Observe),
            ("List", Observe),
            ("Status", Observe),
            ("Stop", Operate),
            ("Release", Operate),
            ("Enable", Operate),
            ("Disable", Operate),
            ("Reset", Operate),
            ("MoveDirect", Operate),
            ("MoveLinear", Operate),
            ("Halt", Operate),
            ("Interrupt", Operate),
            ("Continue", Operate),
            ("SetOverride", Operate),
        ],
    ),
    (
        "io.motiond.v1.Path",
        &[
            ("Begin", Operate),
            ("Lines", Operate),
            ("Arc", Operate),
            ("Spline", Operate),
            ("End", Operate),
            ("Cancel", Operate),
            ("Retreat", Operate),
            ("Advance", Operate),
            ("SetSteps", Operate),
            ("Step", Operate),
            ("Status", Observe),
            ("DryRun", Operate),
            ("Picture", Operate),
        ],
    ),
    ("io.motiond.v1.Stream", &[("Begin", Operate), ("Points", Operate), ("End", Operate), ("Status", Observe)]),
    (
        "io.motiond.v1.Lease",
        &[("List", Observe), ("Acquire", Operate), ("Renew", Operate), ("Release", Operate), ("TakeOver", Commission)],
    ),
    (
        "io.motiond.v1.Parameters",
        &[
            ("List", Observe),
            ("Diff", Observe),
            ("Write", Commission),
            ("Persist", Commission),
            ("RollBack", Commission),
        ],
    ),
    (
        "io.motiond.v1.Device",
        &[
            ("List", Observe),
            ("ReadObject", Observe),
            ("WriteObject", Commission),
            ("ListObjects", Observe),
            ("DescribeEntry", Observe),
        ],
    ),
    ("io.motiond.v1.Command", &[("Status", Observe), ("Wait", Observe)]),
    ("io.motiond.v1.Events", &[("Read", Observe), ("Subscribe", Observe)]),
    ("io.motiond.v1.Telemetry", &[("Subscribe", Observe), ("Record", Observe)]),
    (
        "io.motiond.v1.Test",
        &[("Inject", Commission), ("SetInput", Commission), ("Panic", Commission), ("Hang", Commission)],
    ),
];

/// The role that a method needs; `None` where there is no such method.
pub fn needed(interface: &str, method: &str) -> Option<Role> {
    let (_, methods) = NEEDED.iter().find(|(name, _)| *name == interface)?;
    methods.iter().find(|(name, _)| *name == method).map(|(_, role)| *role)
}

/// Refuses a request whose sender lacks the role that its method needs. A method that is not in the table is nobody's.
pub fn check(interface: &str, method: &str, request: &Request) -> Result<(), Failure> {
    let needed = needed(interface, method);
    if needed.is_some_and(|needed| request.sender.role >= needed) {
        return Ok(());
    }
    Err(denied(&request.sender, needed.unwrap_or(Commission)))
}

/// Refuses whoever lacks this role.
pub fn denied(sender: &Sender, needed: Role) -> Failure {
    let hint = match sender {
        Sender { door: Door::Observe, .. } => {
            "this socket shows the machine and commands nothing: use the control socket"
        }
        Sender { known: false, .. } => {
            "it is not known who sent this message: send it whole from one process, without descriptors beside it"
        }
        sender if sender.uid != sender.peer_uid => {
            "the connection was opened by another user: open one of your own, rights do not come with a socket"
        }
        _ => "your user groups do not give you this role: see [control] in the daemon's configuration",
    };
    let denied = json!({ "role": sender.role.name(), "needed": needed.name(), "hint": hint, "retryable": false });
    Failure::Machine("PermissionDenied", fields(denied))
}

#[cfg(test)]
mod tests {
    use super::super::schema::INTERFACES;
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_method_of_every_interface_has_exactly_one_entry() {
        let mut entries = BTreeSet::new();
        for (interface, methods) in NEEDED {
            for (method, _) in *methods {
                assert!(entries.insert(format!("{interface}.{method}")), "{interface}.{method} has two entries");
            }
        }
        let names = |interface: &super::super::schema::Interface| {
            let prefix = interface.name.clone();
            interface.methods.iter().map(move |method| format!("{prefix}.{}", method.name)).collect::<Vec<_>>()
        };
        let described: BTreeSet<String> = INTERFACES.iter().flat_map(names).collect();
        assert_eq!(entries, described, "src/control/permission.rs and the .varlink files differ");
    }

    #[test]
    fn each_description_says_the_role_that_is_needed() {
        for interface in INTERFACES.iter().filter(|interface| interface.name.starts_with("io.motiond.")) {
            for method in &interface.methods {
                let head = format!("\nmethod {}(", method.name);
                let (before, _) = interface.text.split_once(&head).unwrap();
                let last = before.lines().last().unwrap();
                let role = needed(&interface.name, &method.name).unwrap().name();
                assert_eq!(last, format!("# Role: {role}."), "{}.{}", interface.name, method.name);
            }
        }
    }
}
