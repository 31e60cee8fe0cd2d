use super::*;

#[test]
fn further_axes_are_coordinates_themselves() {
    let kinematics = Kinematics::new(Scara::new(300.0, 200.0).unwrap(), 2).unwrap();
    assert_eq!((kinematics.joints(), kinematics.coordinates()), (6, 6));
    let mut joints = [0.0; 6];
    kinematics.inverse(&[300.0, 200.0, 1.0, 2.0, 33.0, 44.0], &[0.0, 1.0, 0.0, 0.0, 0.0, 0.0], &mut joints).unwrap();
    assert_eq!(joints[4..], [33.0, 44.0]);
    let mut tool = [0.0; 6];
    kinematics.forward(&joints, &mut tool).unwrap();
    assert!((tool[0] - 300.0).abs() < 1e-9 && tool[4..] == [33.0, 44.0], "{tool:?}");
    let jacobian = kinematics.jacobian(&tool, &joints).unwrap();
    assert_eq!((jacobian[4][4], jacobian[5][5], jacobian[4][5], jacobian[0][4]), (1.0, 1.0, 0.0, 0.0));
    assert!(matches!(kinematics.machine(), Machine::Scara(_)));
}

#[test]
fn more_joints_than_a_group_has_axes_are_refused() {
    assert!(Kinematics::new(Identity::new(16).unwrap(), 0).is_ok());
    let says = Kinematics::new(Identity::new(14).unwrap(), 3).unwrap_err().to_string();
    assert_eq!(says, "the number of further axes is 3; allowed is 0 to 2");
    assert!(Identity::new(17).is_err() && Identity::new(0).is_err());
}

#[test]
fn wrong_numbers_of_values_and_values_of_no_machine_are_refused() {
    let kinematics = Kinematics::new(Identity::new(3).unwrap(), 0).unwrap();
    let mut out = [0.0; 3];
    let says = kinematics.inverse(&[1.0, 2.0], &[0.0; 3], &mut out).unwrap_err().to_string();
    assert_eq!(says, "2 tool coordinates are given; the machine has 3");
    assert!(kinematics.inverse(&[1.0, 2.0, 3.0], &[0.0; 2], &mut out).is_err());
    assert!(kinematics.inverse(&[1.0, 2.0, 3.0], &[0.0; 3], &mut [0.0; 4]).is_err());
    assert!(kinematics.forward(&[1.0, 2.0, f64::NAN], &mut out).is_err());
    assert!(kinematics.inverse(&[1.0, 2.0, 3.0], &[0.0, f64::INFINITY, 0.0], &mut out).is_err());
    let refused = kinematics.forward(&[1.0, -2e9, 3.0], &mut out).unwrap_err();
    assert!(matches!(refused, Unreachable::Range { index: 1, found: -2e9, .. }), "{refused}");
    assert!(kinematics.conditioning(&[0.0; 4]).is_err());
    assert_eq!(kinematics.conditioning(&[0.0; 3]), Ok(Conditioning::PERFECT));
}
