//! What the `.varlink` files say, in a form that requests are checked against.
//!
//! The files are the only description of the socket: what a method takes is nowhere repeated in code, so
//! that introspection cannot differ from behaviour.

use std::sync::LazyLock;

use serde::Deserializer as _;
use serde::de::{MapAccess, Visitor};
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use zlink::idl;

/// One interface: its text, and what the text says.
pub struct Interface {
    /// Full name.
    pub name: String,
    /// The `.varlink` file as it stands.
    pub text: &'static str,
    /// Its methods.
    pub methods: Vec<Method>,
    /// Its errors: names and fields.
    pub errors: Vec<(String, Kind)>,
}

/// One method.
pub struct Method {
    /// Name within the interface.
    pub name: String,
    /// What it takes.
    pub inputs: Kind,
    /// What it answers.
    pub outputs: Kind,
}

/// A type of the interface description with every name resolved.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs, reason = "the Varlink types by their names")]
pub enum Kind {
    Bool,
    Int,
    Float,
    Text,
    Any,
    Optional(Box<Kind>),
    List(Box<Kind>),
    Map(Box<Kind>),
    /// One of these words.
    OneOf(Vec<String>),
    /// Named fields.
    Object(Vec<(String, Kind)>),
}

const TEXTS: [&str; 13] = [
    include_str!("interface/org.varlink.service.varlink"),
    include_str!("interface/io.motiond.v1.Machine.varlink"),
    include_str!("interface/io.motiond.v1.Axis.varlink"),
    include_str!("interface/io.motiond.v1.Group.varlink"),
    include_str!("interface/io.motiond.v1.Path.varlink"),
    include_str!("interface/io.motiond.v1.Stream.varlink"),
    include_str!("interface/io.motiond.v1.Lease.varlink"),
    include_str!("interface/io.motiond.v1.Parameters.varlink"),
    include_str!("interface/io.motiond.v1.Device.varlink"),
    include_str!("interface/io.motiond.v1.Command.varlink"),
    include_str!("interface/io.motiond.v1.Events.varlink"),
    include_str!("interface/io.motiond.v1.Telemetry.varlink"),
    include_str!("interface/io.motiond.v1.Test.varlink"),
];

/// Every interface of the socket. The files are part of the program; a test parses each.
pub static INTERFACES: LazyLock<Vec<Interface>> = LazyLock::new(|| TEXTS.into_iter().map(Interface::parse).collect());

impl Interface {
    fn parse(text: &'static str) -> Interface {
        let parsed = idl::Interface::try_from(text).expect("the .varlink files of the repository are well-formed");
        Interface {
            name: parsed.name().to_string(),
            text,
            methods: parsed
                .methods()
                .map(|method| Method {
                    name: method.name().to_string(),
                    inputs: Kind::of_fields(&parsed, method.inputs()),
                    outputs: Kind::of_fields(&parsed, method.outputs()),
                })
                .collect(),
            errors: parsed
                .errors()
                .map(|error| (error.name().to_string(), Kind::of_fields(&parsed, error.fields())))
                .collect(),
        }
    }

    /// The method of this name.
    pub fn method(&self, name: &str) -> Option<&Method> {
        self.methods.iter().find(|method| method.name == name)
    }
}

impl Method {
    /// Checks a request's parameters, or names the first that is unknown, given twice, missing or of a wrong type.
    /// Numbers beyond the range of a double are of a wrong type.
    pub fn check(&self, parameters: Option<&RawValue>) -> Result<Map<String, Value>, String> {
        let Kind::Object(inputs) = &self.inputs else { return Ok(Map::new()) };
        let mut found = Map::new();
        if let Some(parameters) = parameters {
            for (name, raw) in entries(parameters.get()).ok_or("parameters")? {
                let known = inputs.iter().find(|(known, _)| *known == name);
                let value = serde_json::from_str::<Value>(raw.get()).ok();
                let accepted = known.zip(value).filter(|((_, kind), value)| kind.accepts(value));
                let Some((_, value)) = accepted else { return Err(name) };
                if found.insert(name.clone(), value).is_some() {
                    return Err(name);
                }
            }
        }
        match inputs.iter().find(|(name, kind)| !kind.is_optional() && !found.contains_key(name)) {
            Some((name, _)) => Err(name.clone()),
            None => Ok(found),
        }
    }
}

impl Kind {
    fn of_fields<'a>(interface: &idl::Interface<'_>, fields: impl Iterator<Item = &'a idl::Field<'a>>) -> Kind {
        Kind::Object(fields.map(|field| (field.name().to_string(), Kind::of(interface, field.ty()))).collect())
    }

    fn of(interface: &idl::Interface<'_>, ty: &idl::Type<'_>) -> Kind {
        let boxed = |inner: &idl::Type<'_>| Box::new(Kind::of(interface, inner));
        match ty {
            idl::Type::Bool => Kind::Bool,
            idl::Type::Int => Kind::Int,
            idl::Type::Float => Kind::Float,
            idl::Type::String => Kind::Text,
            idl::Type::ForeignObject | idl::Type::Any => Kind::Any,
            idl::Type::Optional(inner) => Kind::Optional(boxed(inner)),
            idl::Type::Array(inner) => Kind::List(boxed(inner)),
            idl::Type::Map(inner) => Kind::Map(boxed(inner)),
            idl::Type::Enum(words) => Kind::OneOf(words.iter().map(|word| word.name().to_string()).collect()),
            idl::Type::Object(fields) => Kind::of_fields(interface, fields.iter()),
            idl::Type::Custom(name) => {
                let found = interface.custom_types().find(|custom| custom.name() == name.as_str());
                match found.expect("the .varlink files name only types that they define") {
                    idl::CustomType::Object(object) => Kind::of_fields(interface, object.fields()),
                    idl::CustomType::Enum(words) => {
                        Kind::OneOf(words.variants().map(|word| word.name().to_string()).collect())
                    }
                }
            }
        }
    }

    fn is_optional(&self) -> bool {
        matches!(self, Kind::Optional(_))
    }

    /// Whether the value is of this type, without fields that the type does not have.
    pub fn accepts(&self, value: &Value) -> bool {
        match self {
            Kind::Bool => value.is_boolean(),
            Kind::Int => value.is_i64() || value.is_u64(),
            Kind::Float => value.as_f64().is_some_and(f64::is_finite),
            Kind::Text => value.is_string(),
            Kind::Any => true,
            Kind::Optional(inner) => value.is_null() || inner.accepts(value),
            Kind::List(inner) => value.as_array().is_some_and(|list| list.iter().all(|item| inner.accepts(item))),
            Kind::Map(inner) => value.as_object().is_some_and(|map| map.values().all(|item| inner.accepts(item))),
            Kind::OneOf(words) => value.as_str().is_some_and(|word| words.iter().any(|known| known == word)),
            Kind::Object(fields) => value.as_object().is_some_and(|object| {
                object.keys().all(|name| fields.iter().any(|(known, _)| known == name))
                    && fields.iter().all(|(name, kind)| match object.get(name) {
                        Some(value) => kind.accepts(value),
                        None => kind.is_optional(),
                    })
            }),
        }
    }
}

/// The entries of a JSON object in the order of the text, each value as text.
fn entries(text: &str) -> Option<Vec<(String, &RawValue)>> {
    struct Entries;
    impl<'de> Visitor<'de> for Entries {
        type Value = Vec<(String, &'de RawValue)>;

        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("an object")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut entries = Vec::new();
            while let Some(entry) = map.next_entry()? {
                entries.push(entry);
            }
            Ok(entries)
        }
    }
    serde_json::Deserializer::from_str(text).deserialize_map(Entries).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(parameters: &str) -> Result<Map<String, Value>, String> {
        let raw = RawValue::from_string(parameters.to_string()).unwrap();
        let axis = INTERFACES.iter().find(|interface| interface.name == "io.motiond.v1.Axis").unwrap();
        axis.method("MoveAbsolute").unwrap().check(Some(&raw))
    }

    #[test]
    fn every_interface_file_parses_and_is_named_after_its_interface() {
        for interface in INTERFACES.iter() {
            let path = format!("{}/src/control/interface/{}.varlink", env!("CARGO_MANIFEST_DIR"), interface.name);
            assert_eq!(std::fs::read_to_string(&path).unwrap(), interface.text, "{path}");
            assert!(!interface.methods.is_empty(), "{}", interface.name);
        }
    }

    #[test]
    fn the_first_wrong_parameter_is_named() {
        let cases = [
            (r#"{"axis":"x","position":1e3}"#, None),
            (r#"{"axis":"x","position":-7}"#, None),
            (r#"{"axis":"x","position":1,"buffer":null,"velocity":2.5}"#, None),
            (r#"{"axis":"x","position":1e308}"#, None),
            (r#"{"axis":"x","position":1e999}"#, Some("position")),
            (r#"{"axis":"x","position":"1"}"#, Some("position")),
            (r#"{"axis":"x","position":null}"#, Some("position")),
            (r#"{"axis":["x"],"position":1}"#, Some("axis")),
            (r#"{"position":1}"#, Some("axis")),
            (r#"{"axis":"x","axis":"y","position":1}"#, Some("axis")),
            (r#"{"axis":"x","position":1,"buffer":"later"}"#, Some("buffer")),
            (r#"{"axis":"x","position":1,"speed":3}"#, Some("speed")),
            (r#"[1,2]"#, Some("parameters")),
            (r#"3"#, Some("parameters")),
            (r#"{}"#, Some("axis")),
        ];
        for (parameters, wrong) in cases {
            assert_eq!(check(parameters).err().as_deref(), wrong, "{parameters}");
        }
    }

    #[test]
    fn every_error_of_an_interface_that_moves_carries_the_boot_id() {
        for interface in INTERFACES.iter().filter(|interface| interface.name.starts_with("io.motiond.")) {
            let bodies = interface.errors.iter().map(|(name, fields)| (name, fields));
            for (name, fields) in bodies.chain(interface.methods.iter().map(|method| (&method.name, &method.outputs))) {
                let Kind::Object(fields) = fields else { panic!("{name} has no fields") };
                assert!(fields.contains(&("boot_id".to_string(), Kind::Text)), "{}.{name}", interface.name);
            }
        }
    }

    fn words(kind: &Kind) -> usize {
        match kind {
            Kind::OneOf(words) => words.len(),
            Kind::Optional(inner) | Kind::List(inner) | Kind::Map(inner) => words(inner),
            Kind::Object(fields) => fields.iter().map(|(_, kind)| words(kind)).min().unwrap_or(usize::MAX),
            _ => usize::MAX,
        }
    }

    #[test]
    fn no_choice_has_a_single_word() {
        // The scanner of PyPI's `varlink` takes one word in parentheses for a structure and gives up.
        for method in INTERFACES.iter().flat_map(|interface| &interface.methods) {
            assert!(words(&method.inputs) > 1 && words(&method.outputs) > 1, "{}", method.name);
        }
    }
}
