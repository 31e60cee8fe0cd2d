//! One description of a table makes three things: the Rust structure, the data that describes its keys, and its reader.

/// Words of the configuration as variants of an enum.
macro_rules! words {
    ($($(#[doc = $what:literal])+ $Type:ident { $($(#[doc = $doc:literal])+ $Variant:ident = $word:literal),+ $(,)? })+) => {$(
        $(#[doc = $what])+
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $Type { $($(#[doc = $doc])+ $Variant),+ }

        impl $Type {
            /// The words, in the order of the variants.
            pub const WORDS: &'static [&'static str] = &[$($word),+];

            /// Its word.
            pub fn word(self) -> &'static str {
                match self { $($Type::$Variant => $word),+ }
            }
        }

        impl $crate::config::reader::FromScalar for $Type {
            fn from_scalar(scalar: $crate::config::key::Scalar) -> Option<Self> {
                match scalar {
                    $crate::config::key::Scalar::Text(text) => match text.as_str() { $($word => Some($Type::$Variant),)+ _ => None },
                    _ => None,
                }
            }
        }
    )+};
}

/// Tables of the configuration as structures: keys first, then the tables inside.
macro_rules! sections {
    ($(
        $(#[doc = $what:literal])+
        $Section:ident = $title:literal {
            $( $(#[doc = $doc:literal])+ $field:ident: $Type:ty = $key:literal, $kind:expr, $presence:expr, $change:ident; )*
            $( tables { $( $(#[doc = $inner_doc:literal])+ $inner:ident: $Inner:ty = $inner_key:literal; )+ } )?
        }
    )+) => {$(
        $(#[doc = $what])+
        #[derive(Clone, Debug)]
        pub struct $Section {
            /// The table itself, for what concerns no single key.
            pub place: $crate::config::reader::Place,
            $( $(#[doc = $doc])+ pub $field: $crate::config::reader::At<$Type>, )*
            $( $( $(#[doc = $inner_doc])+ pub $inner: $Inner, )+ )?
        }

        impl $Section {
            const KEYS: &'static [$crate::config::key::Key] = &[$(
                $crate::config::key::Key {
                    name: $key,
                    what: concat!($($doc),+),
                    kind: $kind,
                    presence: $presence,
                    change: $crate::config::key::Change::$change,
                },
            )*];
        }

        impl $crate::config::reader::Table for $Section {
            const SECTION: &'static $crate::config::key::Section = &$crate::config::key::Section {
                title: $title,
                what: concat!($($what),+),
                keys: Self::KEYS,
                parts: &[$($(
                    $crate::config::key::Part {
                        name: $inner_key,
                        occurs: <$Inner as $crate::config::reader::Nested>::OCCURS,
                        section: <$Inner as $crate::config::reader::Nested>::SECTION,
                    },
                )+)?],
            };

            #[allow(unused_assignments, unused_variables, unused_mut)]
            fn read(
                reader: &mut $crate::config::reader::Reader<'_>,
                scope: &$crate::config::reader::Scope<'_>,
            ) -> Option<Self> {
                reader.unknown_keys(scope, Self::SECTION);
                let mut keys = Self::KEYS.iter();
                // Every key and part is read before the first that is wrong ends it.
                $( let $field = keys.next().and_then(|key| reader.key(scope, key)); )*
                $( $( let $inner = $crate::config::reader::Nested::read(reader, scope, $inner_key); )+ )?
                Some($Section {
                    place: scope.whole(),
                    $( $field: $field?, )*
                    $( $( $inner: $inner?, )+ )?
                })
            }
        }
    )+};
}

pub(crate) use {sections, words};
