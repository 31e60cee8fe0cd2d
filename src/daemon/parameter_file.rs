//! The parameters that were persisted: a file in the state directory that is laid over the configuration at a start.

use super::state_directory::StateDirectory;
use crate::config::{MachineConfig, Override, Overrides, overlay};
use crate::control::{Misfit, NotPersisted, Parameter, ParameterBook};
use crate::gateway::{self, AxisFigures};
use crate::ids::AxisId;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

/// Its name.
const NAME: &str = "parameters.toml";

const HEADER: &str = "\
# Written by motiond (motionctl params persist): parameters that hold instead of those in its configuration. They are
# read at each start and checked together with it. To take one back, set it to its old value and persist again, or delete its
# line while the daemon is stopped; to take all back: motionctl params roll-back --to configured, then motionctl params persist.
";

/// Where the persisted parameters are.
pub fn place(state: &StateDirectory) -> PathBuf {
    state.file(NAME)
}

/// The text of the file.
fn text(overrides: &gateway::Overrides) -> String {
    let line = |(name, value): (&String, &f64)| format!("{name} = {}\n", overlay::written(*value));
    HEADER.to_string() + &overrides.iter().map(line).collect::<String>()
}

/// The configuration of the running machine by parameters, and what is persisted of their changes.
pub struct ParameterFile {
    config: MachineConfig,
    parameters: Vec<Parameter>,
    state: Option<StateDirectory>,
    persisted: Mutex<Arc<gateway::Overrides>>,
}

impl ParameterFile {
    /// Of a machine that was read with what is persisted in `state`.
    pub fn new(config: &MachineConfig, state: Option<StateDirectory>) -> ParameterFile {
        let parameters = config.origin.parameters.iter();
        let persisted =
            parameters.clone().filter_map(|parameter| Some((parameter.name.clone(), parameter.override_in_force()?)));
        let persisted = persisted.collect();
        let parameters = parameters.map(|parameter| Parameter {
            name: parameter.name.clone(),
            configured: parameter.written.clone(),
            configured_number: parameter.configured(),
            unit: parameter.unit(),
            allowed: parameter.key.kind.allowed(),
            range: parameter.range(),
            what: parameter.key.what.trim(),
            live: parameter.live(),
        });
        let parameters = parameters.collect();
        ParameterFile { config: config.clone(), parameters, state, persisted: Mutex::new(Arc::new(persisted)) }
    }
}

impl ParameterBook for ParameterFile {
    fn parameters(&self) -> &[Parameter] {
        &self.parameters
    }

    fn persisted(&self) -> Arc<gateway::Overrides> {
        Arc::clone(&self.persisted.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn figures(&self, axis: AxisId, overrides: &gateway::Overrides) -> Result<AxisFigures, Vec<Misfit>> {
        let overrides: Overrides =
            overrides.iter().map(|(name, value)| (name.clone(), Override::number(*value))).collect();
        match self.config.with_overrides(&overrides) {
            Ok(machine) => Ok(machine.axes[axis.index()].figures()),
            Err(problems) => Err(problems
                .into_iter()
                .map(|problem| Misfit { name: problem.parameter(), found: problem.found, allowed: problem.allowed })
                .collect()),
        }
    }

    fn persist(&self, overrides: &gateway::Overrides) -> Result<String, NotPersisted> {
        let state = self.state.as_ref().ok_or(NotPersisted::NoStateDirectory)?;
        // One at a time: what is said to be persisted is what is in the file.
        let mut persisted = self.persisted.lock().unwrap_or_else(PoisonError::into_inner);
        let place = state
            .replace(NAME, &text(overrides))
            .map_err(|error| NotPersisted::NotWritten(format!("{}: {error}", self::place(state).display())))?;
        *persisted = Arc::new(overrides.clone());
        Ok(place.display().to_string())
    }

    fn written(&self, number: f64) -> String {
        overlay::written(number)
    }
}
