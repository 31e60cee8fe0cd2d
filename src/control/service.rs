//! `org.varlink.service`: who this is, and its interfaces as text.

use serde_json::json;

use super::call::Parameters;
use super::context::Context;
use super::dispatch::Reply;
use super::failure::{Failure, fields};
use super::schema;

/// Answers a method of this interface.
pub fn call(context: &Context, method: &str, parameters: &Parameters) -> Result<Reply, Failure> {
    match method {
        "GetInfo" => Ok(fields(json!({
            "vendor": "motiond",
            "product": "motiond",
            "version": env!("CARGO_PKG_VERSION"),
            "url": env!("CARGO_PKG_REPOSITORY"),
            "interfaces": served(context).map(|interface| interface.name.as_str()).collect::<Vec<_>>(),
        }))),
        "GetInterfaceDescription" => {
            let name = parameters.text("interface")?;
            let interface = interface(context, name).ok_or_else(|| Failure::no_interface(name))?;
            Ok(fields(json!({ "description": interface.text })))
        }
        _ => Err(Failure::not_implemented(format!("org.varlink.service.{method}"))),
    }
}

/// The interface of this name, if this daemon serves it.
pub fn interface(context: &Context, name: &str) -> Option<&'static schema::Interface> {
    served(context).find(|interface| interface.name == name)
}

/// The interfaces that this daemon serves: the one for tests only where it is asked for.
fn served(context: &Context) -> impl Iterator<Item = &'static schema::Interface> + use<> {
    let tests = context.tests.is_some();
    schema::INTERFACES.iter().filter(move |interface| tests || interface.name != "io.motiond.v1.Test")
}
