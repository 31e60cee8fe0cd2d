use super::super::{Jet, Transformation};
use super::*;

/// Parameters that ROS-Industrial's opw_kinematics publishes for the ABB IRB 2400/10.
fn irb2400() -> Arm {
    Arm::new(ArmParameters {
        a1: 100.0,
        a2: -135.0,
        b: 0.0,
        c1: 615.0,
        c2: 705.0,
        c3: 755.0,
        c4: 85.0,
        offsets: [0.0, 0.0, -90.0, 0.0, 0.0, 0.0],
        reversed: [false; 6],
    })
    .unwrap()
}

/// The same for the KUKA KR 6 R700 sixx.
fn kr6() -> Arm {
    Arm::new(ArmParameters {
        a1: 25.0,
        a2: -35.0,
        b: 0.0,
        c1: 400.0,
        c2: 315.0,
        c3: 365.0,
        c4: 80.0,
        offsets: [0.0, -90.0, 0.0, 0.0, 0.0, 0.0],
        reversed: [true, false, false, true, false, true],
    })
    .unwrap()
}

/// A posture, and where others found the flange with it: place in m, quaternion x, y, z, w.
type Known = ([f64; 6], [f64; 3], [f64; 4]);

/// Poses of the test data of rs-opw-kinematics (cases 0, 3 and 11).
const IRB2400: [Known; 3] = [
    (
        [44.0, -320.0, 2.0, -41.0, -351.0, -345.0],
        [0.9126056662181226, 0.8691658573561679, 0.686558717481039],
        [-0.5190371353529653, 0.7777631403300486, 0.008524522830040699, 0.3544182305963519],
    ),
    (
        [-274.0, 278.0, 172.0, 123.0, 63.0, -123.0],
        [-0.09279204593014118, -0.4164320106456371, -0.0804721563010154],
        [-0.5814991938129102, 0.6235815403495433, 0.5145606374700176, -0.0907309235965111],
    ),
    (
        [116.0, -6.0, 94.0, -75.0, -93.0, -335.0],
        [-0.1654772039131867, 0.1522425715983219, 0.5715218636455461],
        [-0.6813577609769651, 0.07134021673743174, 0.6963099419079409, -0.2140435465798332],
    ),
];

/// The same (cases 2041, 2044 and 2047).
const KR6: [Known; 3] = [
    (
        [133.0, 273.0, 273.0, 122.0, 207.0, -268.0],
        [0.194574671980302, 0.16349371318977, 0.7296029146579318],
        [0.6132270926588923, 0.2255883529410169, -0.4895591937103125, 0.5774029993862089],
    ),
    (
        [288.0, 265.0, 142.0, -316.0, 258.0, -236.0],
        [0.04159342806427258, 0.3039184769014893, 0.5212811723435854],
        [-0.2307200722316976, -0.3616707652479739, -0.2218427294300585, 0.8756416557207447],
    ),
    (
        [304.0, 18.0, -45.0, -80.0, -276.0, -125.0],
        [0.2971944966429052, 0.5807270298065671, 0.4910378756433555],
        [-0.3194874467696511, -0.671667585645613, -0.212044711735933, 0.6338986243670416],
    ),
];

/// What others found as all the ways to the place of KR6[0], degrees.
const KR6_WAYS: [[f64; 6]; 8] = [
    [-47.0, -102.162382, 106.079590, 102.241044, 156.798697, -109.760837],
    [-47.0, 8.874378, -95.124853, 157.266533, 85.053845, -30.973314],
    [133.0, 171.470950, 97.954737, -22.871745, 82.126675, -29.735130],
    [133.0, -87.0, -87.0, -58.0, 153.0, -88.0],
    [-47.0, -102.162382, 106.079590, -77.758956, -156.798697, 70.239163],
    [-47.0, 8.874378, -95.124853, -22.733467, -85.053845, 149.026686],
    [133.0, 171.470950, 97.954737, 157.128255, -82.126675, 150.264870],
    [133.0, -87.0, -87.0, 122.0, -153.0, 92.0],
];

fn tool(arm: &Arm, joints: &[f64; 6]) -> [f64; 6] {
    let mut tool = [0.0; 6];
    arm.forward(joints, &mut tool).unwrap();
    tool
}

/// The columns of the tool's frame from a quaternion.
fn matrix([x, y, z, w]: [f64; 4]) -> [[f64; 3]; 3] {
    [
        [1.0 - 2.0 * (y * y + z * z), 2.0 * (x * y - z * w), 2.0 * (x * z + y * w)],
        [2.0 * (x * y + z * w), 1.0 - 2.0 * (x * x + z * z), 2.0 * (y * z - x * w)],
        [2.0 * (x * z - y * w), 2.0 * (y * z + x * w), 1.0 - 2.0 * (x * x + y * y)],
    ]
}

#[test]
fn known_arms_are_where_others_find_them() {
    for (arm, known) in [(irb2400(), IRB2400), (kr6(), KR6)] {
        for (joints, place, quaternion) in known {
            let found = tool(&arm, &joints);
            for (found, expected) in found.iter().zip(place) {
                assert!((found - 1000.0 * expected).abs() < 1e-9, "{joints:?}: {found} mm, expected {expected} m");
            }
            let rows = *Rotation::of_angles([found[3], found[4], found[5]]).rows();
            for (found, expected) in rows.iter().flatten().zip(matrix(quaternion).iter().flatten()) {
                assert!((found - expected).abs() < 1e-12, "{joints:?}: {rows:?}");
            }
        }
    }
}

#[test]
fn an_upright_arm_is_as_tall_as_its_links() {
    // KR 6: A2 at -90° and A3 at 0° is upright.
    let [x, y, z, a, b, c] = tool(&kr6(), &[0.0, -90.0, 0.0, 0.0, 0.0, 0.0]);
    assert!((x - (25.0 - 35.0)).abs() < 1e-9 && y.abs() < 1e-9 && (z - 1160.0).abs() < 1e-9, "{x} {y} {z}");
    assert!(a.abs() < 1e-9 && b.abs() < 1e-9 && c.abs() < 1e-9, "{a} {b} {c}");
    // Its transport-like home: forearm forward, flange forward; x = a1 + c2·0 + c3 + c4.
    let [x, y, z, _, b, _] = tool(&kr6(), &[0.0, -90.0, 90.0, 0.0, 0.0, 0.0]);
    assert!((x - 470.0).abs() < 1e-9 && y.abs() < 1e-9 && (z - 750.0).abs() < 1e-9, "{x} {y} {z}");
    assert!((b - 90.0).abs() < 1e-9, "{b}");
}

#[test]
fn all_eight_ways_are_found() {
    let arm = kr6();
    let place = tool(&arm, &KR6[0].0);
    let mut seen = Vec::new();
    for configuration in Configuration::ALL {
        let joints = arm.inverse_as(&place, configuration, &[0.0; 6]).unwrap();
        assert_eq!(arm.configuration(&joints), configuration);
        let way = KR6_WAYS.iter().position(|way| {
            way.iter().zip(joints).all(|(way, joint)| {
                let apart = way - joint;
                (apart - 360.0 * (apart / 360.0).round()).abs() < 1e-5
            })
        });
        seen.push(way.unwrap_or_else(|| panic!("{configuration:?}: {joints:?} is none of the known ways")));
    }
    seen.sort();
    assert_eq!(seen, [0, 1, 2, 3, 4, 5, 6, 7]);
}

#[test]
fn the_posture_and_the_turns_of_the_present_joints_are_kept() {
    for (arm, known) in [(irb2400(), IRB2400), (kr6(), KR6)] {
        for (joints, ..) in known {
            let near = joints.map(|joint| joint + 3.0);
            let mut found = [0.0; 6];
            arm.inverse(&tool(&arm, &joints), &near, &mut found).unwrap();
            for (found, expected) in found.iter().zip(joints) {
                assert!((found - expected).abs() < 1e-9, "{found:?}, expected {joints:?}");
            }
        }
    }
}

#[test]
fn with_the_wrist_in_line_axis_4_stays_and_the_place_is_kept() {
    let arm = irb2400();
    for fifth in [0.0, 1e-9, 1e-7, 180.0, -180.0] {
        let joints = [20.0, 10.0, -15.0, 77.0, fifth, -30.0];
        let place = tool(&arm, &joints);
        let mut found = [0.0; 6];
        arm.inverse(&place, &[20.0, 10.0, -15.0, 80.0, fifth, -30.0], &mut found).unwrap();
        assert!((found[3] - 80.0).abs() < 4.0, "{found:?}");
        let again = tool(&arm, &found);
        for (again, place) in again.iter().zip(place) {
            assert!((again - place).abs() < 1e-7, "{again:?}, expected {place:?}");
        }
        let conditioning = arm.conditioning(&found).unwrap();
        assert!(conditioning.distance < SINGULAR && conditioning.nearest == Some(Singularity::WristInLine));
        let refused = arm.inverse(&place.map(Jet::constant), &found, &mut [Jet::constant(0.0); 6]).unwrap_err();
        assert!(matches!(refused, Unreachable::Singular { singularity: Singularity::WristInLine, .. }), "{refused}");
    }
}

#[test]
fn over_the_shoulder_axis_1_stays() {
    let arm = irb2400();
    // Forearm and upper arm so that the wrist centre is on axis 1.
    let mut second = -60.0_f64;
    let centre = |second: f64| {
        100.0 + 705.0 * second.to_radians().sin() + {
            let (_, cosine) = second.to_radians().sin_cos();
            755.0 * cosine - 135.0 * -second.to_radians().sin()
        }
    };
    for _ in 0..60 {
        let slope = (centre(second + 1e-6) - centre(second - 1e-6)) / 2e-6;
        second -= centre(second) / slope;
    }
    let joints = [33.0, second, 0.0, 10.0, 40.0, 5.0];
    let conditioning = arm.conditioning(&joints).unwrap();
    assert!(conditioning.distance < 1e-9 && conditioning.nearest == Some(Singularity::WristOverShoulder));
    let mut found = [0.0; 6];
    arm.inverse(&tool(&arm, &joints), &joints, &mut found).unwrap();
    let again = tool(&arm, &found);
    for (again, place) in again.iter().zip(tool(&arm, &joints)) {
        assert!((again - place).abs() < 1e-6, "{again:?}");
    }
    assert!(conditioning.nearest.unwrap().to_string() == "the wrist is over axis 1");
}

#[test]
fn out_of_reach_is_said_in_words() {
    let mut out = [0.0; 6];
    let upright = [0.0, -80.0, 10.0, 0.0, 10.0, 0.0];
    let far = kr6().inverse(&[900.0, 0.0, 400.0, 0.0, 90.0, 0.0], &upright, &mut out).unwrap_err();
    let says = "the wrist centre at (820.000, 0.000, 400.000) is 795.000 mm from axis 2; the machine reaches 51.674 to \
                681.674 mm";
    assert_eq!(far.to_string(), says);
    let offset = Arm::new(ArmParameters { b: 35.0, ..*kr6().parameters() }).unwrap();
    let close = offset.inverse(&[10.0, 0.0, 900.0, 0.0, 0.0, 0.0], &upright, &mut out).unwrap_err();
    let says = "the wrist centre at (10.000, 0.000, 820.000) is 10.000 mm from axis 1; the machine reaches 35.000 to ";
    assert!(close.to_string().starts_with(says), "{close}");
}

#[test]
fn impossible_arms_are_refused() {
    let refused = |parameters| Arm::new(parameters).unwrap_err().to_string();
    let kr6 = *kr6().parameters();
    assert_eq!(refused(ArmParameters { c2: 0.0, ..kr6 }), "c2 is 0; allowed is 0.1 to 100000");
    let none = "the length of the forearm √(a2² + c3²) is 0; allowed is 0.1 to 200000";
    assert_eq!(refused(ArmParameters { a2: 0.0, c3: 0.0, ..kr6 }), none);
    assert!(Arm::new(ArmParameters { c4: f64::NAN, ..kr6 }).is_err());
    assert!(Arm::new(ArmParameters { offsets: [0.0, 0.0, 0.0, 0.0, 0.0, 400.0], ..kr6 }).is_err());
}
