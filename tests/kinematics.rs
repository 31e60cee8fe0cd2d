//! Every machine over its whole workspace (`MOTIOND_CASES`, `MOTIOND_SEED`): there and back, the branch and the turn that
//! are kept, derivatives against differences, singularities against determinants.

#[path = "support/random.rs"]
mod support;

use motiond::kinematics::{
    Arm, ArmParameters, CoreXy, Dual, Gantry, Identity, Jet, Kinematics, LinearDelta, SINGULAR, Scalar, Scara,
    Singularity, Transformation, Unreachable,
};
use motiond::limits::MAX_GROUP_AXES;
use support::{Random, cases, seed};

type Values = [f64; MAX_GROUP_AXES];
type Jets = [Jet; MAX_GROUP_AXES];

/// A machine, a size to measure errors by (mm), and how its joints are drawn.
struct Subject {
    kinematics: Kinematics,
    name: &'static str,
    size: f64,
    posture: Posture,
}

enum Posture {
    /// Any value of any joint.
    Any,
    /// A second motor that is where the first is, but for an offset.
    Square { driven: usize, offset: f64 },
    /// Carriages of a place of the tool.
    Carriages,
}

impl Subject {
    fn nth(random: &mut Random, which: usize) -> Subject {
        let size = random.magnitude(10.0, 3000.0);
        let further = random.below(3);
        let of = |machine: Kinematics, name, posture| Subject { kinematics: machine, name, size, posture };
        match which {
            0 => {
                let identity = Identity::new(1 + random.below(8)).unwrap();
                of(Kinematics::new(identity, further).unwrap(), "identity", Posture::Any)
            }
            1 => {
                let coordinates = 2 + random.below(6);
                let driven = random.below(coordinates);
                let beam = (driven + 1 + random.below(coordinates - 1)) % coordinates;
                let offset = random.within(-5.0, 5.0);
                let gantry = Gantry::new(coordinates, driven, beam, offset, random.within(-30.0, 30.0)).unwrap();
                let posture = Posture::Square { driven, offset };
                of(Kinematics::new(gantry, further).unwrap(), "gantry", posture)
            }
            2 => {
                let coordinates = 2 + random.below(6);
                let first = random.below(coordinates);
                let second = (first + 1 + random.below(coordinates - 1)) % coordinates;
                let core = CoreXy::new(coordinates, first, second).unwrap();
                of(Kinematics::new(core, further).unwrap(), "CoreXY", Posture::Any)
            }
            3 => {
                let share = if random.chance(0.2) { 0.5 } else { random.within(0.2, 0.8) };
                let scara = Scara::new(share * size, (1.0 - share) * size).unwrap();
                of(Kinematics::new(scara, further).unwrap(), "SCARA", Posture::Any)
            }
            4 => {
                let radius = size * random.within(0.3, 0.8);
                let towers = [210.0_f64, 330.0, 90.0].map(|angle| {
                    let (sine, cosine) = (angle + random.within(-20.0, 20.0)).to_radians().sin_cos();
                    let out = radius * random.within(0.9, 1.1);
                    [out * cosine, out * sine]
                });
                let rods = [0; 3].map(|_| size * random.within(1.0, 1.1));
                let delta = LinearDelta::new(towers, rods).unwrap();
                of(Kinematics::new(delta, further).unwrap(), "linear delta", Posture::Carriages)
            }
            _ => {
                let mut length = |low: f64, high: f64| size * random.within(low, high);
                let mut parameters = ArmParameters {
                    a1: length(-0.1, 0.3),
                    a2: length(-0.2, 0.1),
                    b: 0.0,
                    c1: length(0.0, 0.5),
                    c2: length(0.2, 0.6),
                    c3: length(0.2, 0.6),
                    c4: length(0.0, 0.2),
                    offsets: [0.0; 6],
                    reversed: [false; 6],
                };
                if random.chance(0.5) {
                    parameters.b = size * random.within(-0.1, 0.1);
                }
                parameters.offsets = parameters.offsets.map(|_| 90.0 * (random.below(5) as f64 - 2.0));
                parameters.reversed = parameters.reversed.map(|_| random.chance(0.5));
                let arm = Arm::new(parameters).unwrap();
                of(Kinematics::new(arm, further).unwrap(), "arm", Posture::Any)
            }
        }
    }

    /// Joints anywhere in a few turns, and where the tool is with them.
    fn posture(&self, random: &mut Random) -> (Values, Values) {
        let (mut joints, mut tool) = ([0.0; MAX_GROUP_AXES], [0.0; MAX_GROUP_AXES]);
        joints[..self.kinematics.joints()].fill_with(|| random.within(-400.0, 400.0));
        match self.posture {
            Posture::Any => {}
            Posture::Square { driven, offset } => {
                let second = self.kinematics.joints() - self.further() - 1;
                joints[second] = joints[driven] + offset;
            }
            Posture::Carriages => loop {
                tool[..2].fill_with(|| self.size * random.within(-1.0, 1.0));
                tool[2..self.kinematics.coordinates()].fill_with(|| random.within(-400.0, 400.0));
                if self.inverse(&tool, &joints).map(|found| joints = found).is_ok() {
                    break;
                }
            },
        }
        tool = self.forward(&joints);
        (joints, tool)
    }

    /// Axes behind the machine's own, as `joints` counts them.
    fn further(&self) -> usize {
        let machine = Kinematics::new(*self.kinematics.machine(), 0).unwrap();
        self.kinematics.joints() - machine.joints()
    }

    fn forward(&self, joints: &Values) -> Values {
        let mut tool = [0.0; MAX_GROUP_AXES];
        let tool_part = &mut tool[..self.kinematics.coordinates()];
        self.kinematics.forward(&joints[..self.kinematics.joints()], tool_part).expect("a posture has a place");
        tool
    }

    fn inverse(&self, tool: &Values, near: &Values) -> Result<Values, Unreachable> {
        let mut joints = [0.0; MAX_GROUP_AXES];
        let count = self.kinematics.joints();
        let tool = &tool[..self.kinematics.coordinates()];
        self.kinematics.inverse(tool, &near[..count], &mut joints[..count])?;
        Ok(joints)
    }

    fn inverse_along(&self, tool: &Jets, near: &Values) -> Result<Jets, Unreachable> {
        let mut joints = [Jet::constant(0.0); MAX_GROUP_AXES];
        let count = self.kinematics.joints();
        let tool = &tool[..self.kinematics.coordinates()];
        self.kinematics.inverse(tool, &near[..count], &mut joints[..count])?;
        Ok(joints)
    }

    fn distance(&self, joints: &Values) -> f64 {
        self.kinematics.conditioning(&joints[..self.kinematics.joints()]).unwrap().distance
    }

    /// How far two places of the tool are apart as a share of the size; orientations by what they do to axes.
    fn apart(&self, a: &Values, b: &Values) -> f64 {
        let mut most = 0.0_f64;
        for (index, (a, b)) in a.iter().zip(b).enumerate().take(self.kinematics.coordinates()) {
            if self.name != "arm" || !(3..6).contains(&index) {
                most = most.max((a - b).abs() / (self.size + a.abs()));
            }
        }
        if self.name == "arm" {
            let (a, b) = (axes(a), axes(b));
            let turned = a.iter().flatten().zip(b.iter().flatten()).map(|(a, b)| (a - b).abs());
            most = turned.fold(most, f64::max);
        }
        most
    }
}

/// The tool's frame as said of a, b, c.
fn axes(tool: &Values) -> [[f64; 3]; 3] {
    let [[sa, ca], [sb, cb], [sc, cc]] = [tool[3], tool[4], tool[5]].map(|angle| {
        let (sine, cosine) = angle.to_radians().sin_cos();
        [sine, cosine]
    });
    let x = [[1.0, 0.0, 0.0], [0.0, ca, -sa], [0.0, sa, ca]];
    let y = [[cb, 0.0, sb], [0.0, 1.0, 0.0], [-sb, 0.0, cb]];
    let z = [[cc, -sc, 0.0], [sc, cc, 0.0], [0.0, 0.0, 1.0]];
    times(&times(&z, &y), &x)
}

fn times(a: &[[f64; 3]; 3], b: &[[f64; 3]; 3]) -> [[f64; 3]; 3] {
    std::array::from_fn(|i| std::array::from_fn(|j| (0..3).map(|k| a[i][k] * b[k][j]).sum()))
}

/// Looks at each machine `default_cases` times. `check` says whether the case was one to look at: at least a third
/// of them must be.
fn each(
    name: &str,
    default_seed: u64,
    default_cases: usize,
    check: impl Fn(&Subject, &mut Random, &dyn Fn() -> String) -> bool,
) {
    let (seed, count) = (seed(default_seed), cases(default_cases));
    for which in 0..6 {
        let mut looked_at = 0;
        let mut machine = "";
        for index in 0..count {
            let mix = (index * 6 + which) as u64;
            let mut random = Random::new(seed ^ mix.wrapping_mul(0xD6E8_FEB8_6659_FD93));
            let subject = Subject::nth(&mut random, which);
            machine = subject.name;
            let at = || format!("seed {seed} case {index}, {machine}: {:?}", subject.kinematics);
            looked_at += usize::from(check(&subject, &mut random, &at));
        }
        println!("{name}: seed {seed}, {count} cases of {machine}, {looked_at} looked at");
        assert!(3 * looked_at >= count, "{name}: only {looked_at} of {count} cases of {machine} are looked at");
    }
}

#[test]
fn there_and_back_is_the_same_place_and_the_same_posture() {
    each("there and back", 20301, 40_000, |subject, random, at| {
        let (joints, tool) = subject.posture(random);
        let found = subject.inverse(&tool, &joints).unwrap_or_else(|refused| panic!("{}: {refused}", at()));
        let again = subject.forward(&found);
        let apart = subject.apart(&again, &tool);
        assert!(apart < 1e-9, "{}: {again:?}, expected {tool:?}, {apart} apart", at());
        // Near a singularity rounding errors of the place are large ones of the joints; else they come back.
        let distance = subject.distance(&joints);
        if distance > 1e-3 {
            for (found, joint) in found.iter().zip(joints) {
                let slack = 1e-9 * (subject.size + 400.0) / distance;
                assert!((found - joint).abs() < slack, "{}: {found:?}, expected {joints:?}", at());
            }
        }
        true
    });
}

#[test]
fn from_a_neighbour_the_branch_and_the_turn_are_kept() {
    each("branch", 20302, 20_000, |subject, random, at| {
        let (joints, tool) = subject.posture(random);
        let distance = subject.distance(&joints);
        if distance < 0.05 {
            return false;
        }
        let near = joints.map(|joint| joint + random.within(-1.0, 1.0));
        let found = subject.inverse(&tool, &near).unwrap_or_else(|refused| panic!("{}: {refused}", at()));
        for (found, joint) in found.iter().zip(joints) {
            let slack = 1e-8 * (subject.size + 400.0);
            assert!((found - joint).abs() < slack, "{}: {found:?}, expected {joints:?}", at());
        }
        true
    });
}

/// A smooth way of the joints: each a sine around where it was drawn.
struct Way {
    middle: Values,
    waves: [[f64; 3]; MAX_GROUP_AXES],
}

impl Way {
    fn any(subject: &Subject, middle: Values, random: &mut Random) -> Way {
        let span = if subject.name == "linear delta" { subject.size * 0.05 } else { 20.0 };
        let mut waves = [[0.0; 3]; MAX_GROUP_AXES];
        waves[..subject.kinematics.joints()]
            .fill_with(|| [random.within(0.0, span), random.within(0.3, 1.0), random.within(0.0, 6.0)]);
        let mut way = Way { middle, waves };
        if let Posture::Square { driven, .. } = subject.posture {
            let second = subject.kinematics.joints() - subject.further() - 1;
            way.waves[second] = way.waves[driven];
        }
        way
    }

    fn at(&self, s: f64) -> Values {
        std::array::from_fn(|joint| {
            let [height, rate, phase] = self.waves[joint];
            self.middle[joint] + height * ((rate * s + phase).sin() - phase.sin())
        })
    }

    fn along(&self, s: f64) -> Jets {
        std::array::from_fn(|joint| {
            let [height, rate, phase] = self.waves[joint];
            let (sine, _) = Jet::new([rate * s + phase, rate, 0.0, 0.0]).sin_cos();
            (sine - phase.sin()) * height + self.middle[joint]
        })
    }
}

#[test]
fn along_a_smooth_path_no_joint_jumps() {
    each("continuity", 20303, 400, |subject, random, at| {
        let (joints, _) = subject.posture(random);
        let way = Way::any(subject, joints, random);
        let mut near = joints;
        for step in 0..=500 {
            let expected = way.at(f64::from(step) * 0.02);
            let mut tool = [0.0; MAX_GROUP_AXES];
            let count = subject.kinematics.coordinates();
            let placed = subject.kinematics.forward(&expected[..subject.kinematics.joints()], &mut tool[..count]);
            if placed.is_err() || subject.distance(&expected) < 0.02 {
                return false;
            }
            let found =
                subject.inverse(&tool, &near).unwrap_or_else(|refused| panic!("{} step {step}: {refused}", at()));
            for (found, expected) in found.iter().zip(expected) {
                let slack = 1e-7 * (subject.size + 400.0);
                assert!((found - expected).abs() < slack, "{} step {step}: {found:?}, expected {expected:?}", at());
            }
            near = found;
        }
        true
    });
}

#[test]
fn derivatives_there_and_back_are_those_of_the_path() {
    each("derivatives", 20304, 10_000, |subject, random, at| {
        let (joints, _) = subject.posture(random);
        if subject.distance(&joints) < 0.05 {
            return false;
        }
        let way = Way::any(subject, joints, random).along(0.0);
        let mut tool = [Jet::constant(0.0); MAX_GROUP_AXES];
        let count = subject.kinematics.coordinates();
        match subject.kinematics.forward(&way[..subject.kinematics.joints()], &mut tool[..count]) {
            Err(Unreachable::Singular { singularity: Singularity::OrientationPole, .. }) => return false,
            placed => placed.unwrap_or_else(|refused| panic!("{}: {refused}", at())),
        }
        // Near the pole of a, b, c their derivatives are large, and so are the rounding errors of what comes back.
        let pole = if subject.name == "arm" { tool[4].value().to_radians().cos() } else { 1.0 };
        if pole < 0.05 {
            return false;
        }
        let found = subject.inverse_along(&tool, &joints).unwrap_or_else(|refused| panic!("{}: {refused}", at()));
        for (found, expected) in found.iter().zip(way) {
            for (found, expected) in found.derivatives().iter().zip(expected.derivatives()) {
                let slack = 1e-5 * (1.0 + expected.abs());
                assert!((found - expected).abs() < slack, "{}: {found}, expected {expected}", at());
            }
        }
        true
    });
}

/// The slope of `f` at 0 by central differences, the error of h² taken out (Richardson).
fn slope(f: &dyn Fn(f64) -> f64, h: f64) -> f64 {
    let central = |h: f64| (f(h) - f(-h)) / (2.0 * h);
    (4.0 * central(0.5 * h) - central(h)) / 3.0
}

#[test]
fn derivatives_are_what_differences_approach() {
    each("differences", 20305, 2000, |subject, random, at| {
        let (joints, tool) = subject.posture(random);
        if subject.distance(&joints) < 0.1 {
            return false;
        }
        // A cubic way of the tool.
        let scale = |index: usize| if subject.name == "arm" && index >= 3 { 10.0 } else { subject.size * 0.02 };
        let path: [[f64; 4]; MAX_GROUP_AXES] = std::array::from_fn(|index| {
            let mut any = || scale(index) * random.within(-1.0, 1.0);
            [tool[index], any(), any(), any()]
        });
        let derivatives = |s: f64| {
            let place = path.map(|[a, b, c, d]| {
                Jet::new([a + s * (b + s * (c / 2.0 + s * d / 6.0)), b + s * (c + s * d / 2.0), c + s * d, d])
            });
            let found = subject.inverse_along(&place, &joints).unwrap_or_else(|refused| panic!("{}: {refused}", at()));
            found.map(Jet::derivatives)
        };
        let exact = derivatives(0.0);
        // Each derivative is the slope of the one before it.
        for order in 1..4 {
            let most = exact.iter().flatten().fold(1.0, |most: f64, value| most.max(value.abs()));
            for (joint, exact) in exact.iter().enumerate() {
                let approached = slope(&|s| derivatives(s)[joint][order - 1], 2e-4);
                assert!(
                    (exact[order] - approached).abs() < 1e-6 * most,
                    "{}: joint {joint} order {order}: {}, differences {approached}",
                    at(),
                    exact[order]
                );
            }
        }
        true
    });
}

/// The determinant of a square matrix of `n` rows, by elimination with the largest pivot.
fn determinant(mut m: [[f64; MAX_GROUP_AXES]; MAX_GROUP_AXES], n: usize) -> f64 {
    let mut product = 1.0;
    for column in 0..n {
        let pivot = (column..n).max_by(|a, b| m[*a][column].abs().total_cmp(&m[*b][column].abs())).unwrap();
        if m[pivot][column] == 0.0 {
            return 0.0;
        }
        if pivot != column {
            m.swap(pivot, column);
            product = -product;
        }
        product *= m[column][column];
        for row in column + 1..n {
            let share = m[row][column] / m[column][column];
            let pivot = m[column];
            m[row].iter_mut().zip(pivot).skip(column).for_each(|(value, pivot)| *value -= share * pivot);
        }
    }
    product
}

/// The determinant of ∂tool/∂joints, a row a joint.
fn forward_determinant(subject: &Subject, joints: &Values) -> Option<f64> {
    let count = subject.kinematics.joints();
    let mut matrix = [[0.0; MAX_GROUP_AXES]; MAX_GROUP_AXES];
    for (joint, row) in matrix.iter_mut().enumerate().take(count) {
        let along: [Dual; MAX_GROUP_AXES] =
            std::array::from_fn(|index| Dual::new([joints[index], if index == joint { 1.0 } else { 0.0 }]));
        let mut tool = [Dual::constant(0.0); MAX_GROUP_AXES];
        subject.kinematics.forward(&along[..count], &mut tool[..count]).ok()?;
        *row = tool.map(|value| value.derivatives()[1]);
    }
    Some(determinant(matrix, count))
}

#[test]
fn the_distance_from_a_singularity_is_0_where_the_determinant_is() {
    each("determinants", 20306, 4000, |subject, random, at| {
        if subject.kinematics.joints() != subject.kinematics.coordinates() {
            return true; // the second motor of a gantry: no square matrix
        }
        let (joints, tool) = subject.posture(random);
        let distance = subject.distance(&joints);
        if distance < SINGULAR {
            return false;
        }
        let Some(determinant) = forward_determinant(subject, &joints) else { return false };
        // Both ways, one determinant is the other's inverse.
        let jacobian = subject
            .kinematics
            .jacobian(&tool[..subject.kinematics.coordinates()], &joints[..subject.kinematics.joints()]);
        let back = self::determinant(jacobian.unwrap_or_else(|e| panic!("{}: {e}", at())), subject.kinematics.joints());
        let pole = if subject.name == "arm" { tool[4].to_radians().cos().abs() } else { 1.0 };
        if distance > 0.01 && pole > 0.01 {
            assert!((determinant * back - 1.0).abs() < 1e-6, "{}: {determinant} and {back}", at());
        }
        // What the documentation says the determinant is.
        let Some(expected) = documented_determinant(subject, &joints, &tool) else { return true };
        let slack = 1e-6 * expected.abs() + 1e-13 * subject.size.powi(3);
        assert!((determinant.abs() * pole - expected).abs() < slack, "{}: {determinant}, expected {expected}", at());
        true
    });
}

/// |det| of the forward Jacobian as each machine's file states it, in the units of its joints; the arm's in
/// directions of the tool instead of its angles, which is cos b times as much.
fn documented_determinant(subject: &Subject, joints: &Values, tool: &Values) -> Option<f64> {
    use motiond::kinematics::Machine;
    let degree = std::f64::consts::PI / 180.0;
    match subject.kinematics.machine() {
        Machine::Identity(_) => Some(1.0),
        Machine::CoreXy(_) => Some(0.5),
        Machine::Scara(_) => {
            let right_angle = [joints[0], 90.0, joints[2], joints[3]];
            let mut values = *joints;
            values[..4].copy_from_slice(&right_angle);
            let full = subject.forward(&values);
            // l₁·l₂ from the squares of two reaches: (l₁+l₂)² = l₁² + l₂² + 2·l₁·l₂.
            values[1] = 0.0;
            let stretched = subject.forward(&values);
            let squares = full[0].powi(2) + full[1].powi(2);
            let product = (stretched[0].powi(2) + stretched[1].powi(2) - squares) / 2.0;
            Some(product * subject.distance(joints) * degree * degree)
        }
        Machine::Arm(arm) => {
            let parameters = arm.parameters();
            let mut theta = [0.0; 6];
            for (index, theta) in theta.iter_mut().enumerate() {
                let sign = if parameters.reversed[index] { -1.0 } else { 1.0 };
                *theta = (sign * joints[index] - parameters.offsets[index]).to_radians();
            }
            let forearm = parameters.a2.hypot(parameters.c3);
            let phi = theta[2] + parameters.a2.atan2(parameters.c3);
            let along = parameters.a1 + parameters.c2 * theta[1].sin() + forearm * (theta[1] + phi).sin();
            let value = parameters.c2 * forearm * phi.sin() * along * theta[4].sin();
            Some(value.abs() * degree.powi(3))
        }
        Machine::LinearDelta(delta) => {
            let mut rods = [[0.0; MAX_GROUP_AXES]; MAX_GROUP_AXES];
            for (index, (rod, tower)) in rods.iter_mut().zip(delta.towers()).enumerate() {
                let length = delta.rods()[index];
                *rod = [0.0; MAX_GROUP_AXES];
                rod[0] = (tower[0] - tool[0]) / length;
                rod[1] = (tower[1] - tool[1]) / length;
                rod[2] = (joints[index] - tool[2]) / length;
            }
            Some((rods[0][2] * rods[1][2] * rods[2][2] / determinant(rods, 3)).abs())
        }
        Machine::Gantry(_) => None,
    }
}

#[test]
fn at_a_singularity_the_distance_and_the_determinant_go_to_0_together() {
    // A SCARA arm and an arm are brought into each of their singularities along one joint.
    let scara = Kinematics::new(Scara::new(300.0, 200.0).unwrap(), 0).unwrap();
    let parameters = ArmParameters {
        a1: 25.0,
        a2: 0.0,
        b: 0.0,
        c1: 400.0,
        c2: 315.0,
        c3: 365.0,
        c4: 80.0,
        offsets: [0.0; 6],
        reversed: [false; 6],
    };
    let arm = Kinematics::new(Arm::new(parameters).unwrap(), 0).unwrap();
    let over_shoulder = -(25.0_f64 / 365.0).asin().to_degrees();
    let subjects: [(Kinematics, Vec<f64>, usize, Singularity); 5] = [
        (scara, vec![20.0, 0.0, 3.0, 4.0], 1, Singularity::ArmStretched),
        (scara, vec![20.0, 180.0, 3.0, 4.0], 1, Singularity::ArmFolded),
        (arm, vec![20.0, 30.0, 70.0, 10.0, 0.0, 20.0], 4, Singularity::WristInLine),
        (arm, vec![20.0, 50.0, 0.0, 10.0, 40.0, 20.0], 2, Singularity::ArmStretched),
        (arm, vec![20.0, 0.0, over_shoulder, 10.0, 40.0, 20.0], 2, Singularity::WristOverShoulder),
    ];
    for (kinematics, singular, joint, expected) in subjects {
        let subject = Subject { kinematics, name: "", size: 1000.0, posture: Posture::Any };
        let mut ratios = Vec::new();
        for off in [1e-1, 1e-2, 1e-3] {
            let mut joints = [0.0; MAX_GROUP_AXES];
            joints[..singular.len()].copy_from_slice(&singular);
            joints[joint] += off;
            let conditioning = kinematics.conditioning(&joints[..singular.len()]).unwrap();
            assert_eq!(conditioning.nearest, Some(expected), "{off} beside {singular:?}");
            let determinant = forward_determinant(&subject, &joints).unwrap();
            ratios.push(determinant / conditioning.distance);
        }
        assert!((ratios[2] / ratios[1] - 1.0).abs() < 1e-2, "{expected:?}: {ratios:?}");
    }
}

#[test]
fn what_is_out_of_reach_is_refused_and_nonsense_neither_panics_nor_hangs() {
    let values = [0.0, -0.0, 1.0, -90.0, 180.0, 1e9, -1e9, 1e300, 1e-300, f64::INFINITY, f64::NEG_INFINITY, f64::NAN];
    each("nonsense", 20307, 10_000, |subject, random, at| {
        let (joints, tool) = subject.posture(random);
        let mut any = |values_of: &Values| {
            values_of.map(|value| if random.chance(0.3) { values[random.below(values.len())] } else { value })
        };
        let (near, place) = (any(&joints), any(&tool));
        if let Ok(found) = subject.inverse(&place, &near) {
            assert!(found.iter().all(|joint| joint.is_finite()), "{}: {found:?} for {place:?}", at());
            if place.iter().chain(&near).all(|value| value.abs() < 1e5) {
                let again = subject.forward(&found);
                assert!(subject.apart(&again, &place) < 1e-9, "{}: {again:?}, expected {place:?}", at());
            }
        }
        if let Ok(found) = subject.inverse_along(&place.map(|value| Jet::new([value, 1.0, 1.0, 1.0])), &near) {
            assert!(found.iter().all(|joint| joint.is_finite()), "{}: {found:?} for {place:?}", at());
        }
        let mut out = [0.0; MAX_GROUP_AXES];
        let count = subject.kinematics.joints();
        let _ = subject.kinematics.forward(&near[..count], &mut out[..subject.kinematics.coordinates()]);
        let _ = subject.kinematics.conditioning(&near[..count]);
        if matches!(subject.name, "SCARA" | "arm" | "linear delta") {
            let mut far = tool;
            far[0] += 3.0 * subject.size * random.sign();
            match subject.inverse(&far, &joints) {
                Err(Unreachable::Reach { found, lowest, highest, .. }) => {
                    assert!(found < lowest || found > highest, "{}: {found} in {lowest} to {highest}", at());
                }
                other => panic!("{}: {far:?} became {other:?}", at()),
            }
        }
        true
    });
}
