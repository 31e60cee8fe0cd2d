//! Parameters: the keys of the configuration, and their changes while the machine runs.

use serde_json::{Value, json};

use super::{Error, Machine};

impl Machine {
    /// Every parameter whose name begins so, each as the interface describes it.
    pub fn parameters(&mut self, prefix: &str) -> Result<Vec<Value>, Error> {
        self.named("List", "parameters", json!({ "prefix": prefix }))
    }

    /// What runs and is not as configured, or not as it will be at the next start.
    pub fn differences(&mut self) -> Result<Vec<Value>, Error> {
        self.named("Diff", "differences", json!({}))
    }

    /// Changes parameters of an axis, all or none; answers what they were and are. Needs a lease of the axis.
    pub fn set_parameters(&mut self, axis: &str, values: &[(String, f64)]) -> Result<Vec<Value>, Error> {
        let values: Vec<Value> = values.iter().map(|(name, value)| json!({ "name": name, "value": value })).collect();
        let reply = self.call("Parameters", "Write", json!({ "axis": axis, "values": values }))?;
        Ok(list(reply, "changed"))
    }

    /// Gives all parameters of an axis what was persisted, or what is configured. Needs a lease of the axis.
    pub fn roll_parameters_back(&mut self, axis: &str, to_persisted: bool) -> Result<Vec<Value>, Error> {
        let to = if to_persisted { "persisted" } else { "configured" };
        let reply = self.call("Parameters", "RollBack", json!({ "axis": axis, "to": to }))?;
        Ok(list(reply, "changed"))
    }

    /// A list that goes on after the last name, over all its pages.
    fn named(&mut self, method: &str, name: &str, mut request: Value) -> Result<Vec<Value>, Error> {
        let mut all = Vec::new();
        loop {
            let page = self.call("Parameters", method, request.clone())?;
            let next = page.get("next").filter(|next| next.is_string()).cloned();
            all.extend(list(page, name));
            match next {
                Some(next) if next != request["after"] => request["after"] = next,
                _ => return Ok(all),
            }
        }
    }
}

fn list(mut reply: Value, name: &str) -> Vec<Value> {
    match reply.get_mut(name).map(Value::take) {
        Some(Value::Array(items)) => items,
        _ => Vec::new(),
    }
}
