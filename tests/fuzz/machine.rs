//! The demo's machine on a clock of its own, its cycle and gateway turned by the test between the steps of a session.

use motiond::config::{self, MachineConfig};
use motiond::control::Context;
use motiond::cycle::Cycle;
use motiond::daemon::assembly::assemble;
use motiond::daemon::describe;
use motiond::daemon::parameter_file::ParameterFile;
use motiond::gateway::{GatewayState, gateway};
use motiond::telemetry::{Follower, telemetry};
use std::sync::{Arc, LazyLock};

static CONFIG: LazyLock<MachineConfig> = LazyLock::new(|| config::demo().unwrap_or_else(|error| panic!("{error}")));

pub struct Machine {
    pub context: Arc<Context>,
    cycle: Cycle,
    gateway: GatewayState,
    /// Kept, or every stream would end; its thread is not run.
    _follower: Follower,
    now_ns: u64,
}

impl Machine {
    pub fn new() -> Machine {
        let assembly = assemble(&CONFIG).unwrap();
        let (client, gateway) = gateway(describe::machine(&CONFIG), assembly.ends);
        let (telemetry, follower) = telemetry(client.clone());
        let mut context = Context::new(client, telemetry);
        context.parameters = Some(Arc::new(ParameterFile::new(&CONFIG, None)));
        context.now_ns = Arc::new(|| 0);
        Machine { context: Arc::new(context), cycle: assembly.cycle, gateway, _follower: follower, now_ns: 0 }
    }

    /// One cycle and one look of the gateway, and a step of whoever else is ready.
    pub async fn turn(&mut self) {
        self.now_ns += CONFIG.period_ns;
        self.cycle.step(self.now_ns, 0);
        self.gateway.poll_once(self.now_ns);
        tokio::task::yield_now().await;
        self.gateway.poll_once(self.now_ns);
    }

    /// What was commanded were numbers.
    pub fn judge(&self) {
        let snapshot = self.context.gateway.snapshot();
        for axis in &snapshot.axes {
            let numbers = [axis.setpoint, axis.velocity, axis.acceleration];
            assert!(numbers.iter().all(|number| number.is_finite()), "{axis:?}");
        }
    }
}
