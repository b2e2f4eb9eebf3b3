//! Tables of the language, each declared once.
//!
//! [`table!`] is a struct whose fields say, beside their types, how they stand in a file (a
//! [`Form`]) and what they are where a file does not state them:
//!
//! ```text
//! table! {
//!     /// The brokers.
//!     pub struct Cluster {
//!         /// The number of brokers.
//!         pub brokers: u32 as Number<1, 9> = 3;
//!     }
//! }
//! ```
//!
//! From it come the struct, its defaults and its [`Keys`]. From these follow the reader, the writer
//! and the schema (below), the check of every value by itself, the tables of `language.md`
//! (`manual`), and what the shrinker puts back to its default. [`Rules`], which are written by
//! hand, say how the keys of a table hang together.

pub(super) use super::form::Form;

use super::errors::{Place, Problem};
use super::write::Section;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, Deserialize, DeserializeSeed, Deserializer, MapAccess, Visitor};
use serde_json::json;
use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

/// One key of a table, with its present value.
pub(crate) struct Key {
    /// The word in front of `=`.
    pub name: &'static str,
    /// The field that it states; some fields can be stated by one of several keys.
    pub field: &'static str,
    /// Its description, in sentences.
    pub about: &'static str,
    /// The present value as TOML; `None`: it is not stated by this key.
    pub text: Option<String>,
    /// Whether every file must state it.
    pub required: bool,
    /// The values that it may have.
    pub schema: fn(&mut SchemaGenerator) -> Schema,
}

impl Key {
    pub(super) fn of<T, F: Form<T>>(
        name: &'static str,
        field: &'static str,
        about: &'static str,
        required: bool,
        value: &T,
    ) -> Self {
        Self {
            name,
            field,
            about: about.trim_start(),
            text: F::write(value),
            required,
            schema: F::describe,
        }
    }
}

/// The keys of a table, or of a part of one.
pub(crate) trait Keys: Default {
    /// Its name in the schema.
    const NAME: &'static str;
    /// Its description, in a sentence.
    const ABOUT: &'static str;

    /// Returns every key with its present value, in the order in which they are written.
    fn keys(&self) -> Vec<Key>;

    /// Reads the next of `values` as that of `key`; false if there is no such key.
    fn read<'de, A: MapAccess<'de>>(&mut self, key: &str, values: &mut A)
    -> Result<bool, A::Error>;

    /// Takes the value of `key` from another table; false if there is no such key.
    fn copy(&mut self, key: &str, from: &Self) -> bool;

    /// Notes every value that is wrong by itself. The table stands at `at`.
    fn check_values(&self, at: &Place, problems: &mut Vec<Problem>);
}

/// Keys of which a file may have one, and why.
pub(super) struct Exclusive {
    pub keys: &'static [&'static str],
    pub why: &'static str,
}

/// How the keys of a table hang together.
pub(super) trait Rules: Keys {
    /// Keys of which a file may have one.
    const EXCLUSIVE: &'static [Exclusive] = &[];

    /// Returns the values of keys that are not stated, where this is the rest of the table. Those
    /// that depend on other keys differ from [`Default`].
    fn implied(&self) -> Self {
        Self::default()
    }

    /// Gives the fields that are not stated the values that follow from those that are.
    fn imply(&mut self, is_stated: impl Fn(&str) -> bool) {
        loop {
            let implied = self.implied();
            let differs =
                |(now, implied): &(Key, Key)| !is_stated(now.field) && now.text != implied.text;
            match self.keys().into_iter().zip(implied.keys()).find(differs) {
                Some((key, _)) => self.copy(key.name, &implied),
                None => return,
            };
        }
    }

    /// Returns the keys that must be written, each with its value.
    fn written(&self) -> impl Iterator<Item = (&'static str, String)> {
        let keys = self.keys().into_iter().zip(self.implied().keys());
        keys.filter(|(key, implied)| key.required || key.text != implied.text)
            .filter_map(|(key, _)| Some((key.name, key.text?)))
    }

    /// Adds the lines of the keys that must be written.
    fn write(&self, section: &mut Section) {
        for (key, text) in self.written() {
            if key.contains('.') {
                section.line(&format!("\"{key}\""), text);
            } else {
                section.line(key, text);
            }
        }
    }
}

/// Declares a table; see the [module](self). Fields are written in this order.
///
/// What has another name in files has that in parentheses. A field without a default must be
/// stated. A field that several keys can state has the others behind its default. The keys of the
/// fields in `with` stand in the table too.
macro_rules! table {
    (
        $(#[doc = $about:literal])+
        $vis:vis struct $table:ident $(($title:literal))? {
            $(
                $(#[doc = $doc:literal])+
                $field_vis:vis $field:ident $(($name:literal))?: $type:ty as $form:ty
                $(= $default:expr)?
                $(, $(#[doc = $other_doc:literal])+ $other:ident as $other_form:ty)*;
            )*
            $(with {
                $($(#[doc = $part_doc:literal])+ $part_vis:vis $part:ident: $part_type:ty;)+
            })?
        }
    ) => {
        $(#[doc = $about])+
        #[derive(Clone, Debug, PartialEq)]
        $vis struct $table {
            $($(#[doc = $doc])+ $field_vis $field: $type,)*
            $($($(#[doc = $part_doc])+ $part_vis $part: $part_type,)+)?
        }

        impl Default for $table {
            fn default() -> Self {
                Self {
                    $($field: $crate::scenario::table::default!($($default)?),)*
                    $($($part: Default::default(),)+)?
                }
            }
        }

        $crate::scenario::table::keys! {
            $(#[doc = $about])+
            for $table $(($title))? {
                $(
                    $(#[doc = $doc])+
                    $field $(($name))?: $type as $form $(= $default)?
                    $(, $(#[doc = $other_doc])+ $other as $other_form)*;
                )*
                $(with { $($part;)+ })?
            }
        }
    };
}
pub(super) use table;

/// Declares how the fields of a struct stand in a file, where the struct is declared elsewhere. A
/// field that no file can state is named behind `except`; one that is forgotten does not compile.
macro_rules! keys {
    (
        $(#[doc = $about:literal])+
        for $table:ident $(($title:literal))? $(except $left_out:ident)* {
            $(
                $(#[doc = $doc:literal])+
                $field:ident $(($name:literal))?: $type:ty as $form:ty $(= $default:expr)?
                $(, $(#[doc = $other_doc:literal])+ $other:ident as $other_form:ty)*;
            )*
            $(with { $($part:ident;)+ })?
        }
    ) => {
        const _: fn($table) -> $table = |all| $table {
            $($field: all.$field,)*
            $($($part: all.$part,)+)?
            $($left_out: all.$left_out,)*
        };

        const _: () = {
            use $crate::scenario::{errors, table};

            impl table::Keys for $table {
                const NAME: &'static str = table::name!($table $($title)?);
                const ABOUT: &'static str = concat!($($about),+);

                fn keys(&self) -> Vec<table::Key> {
                    let keys = [
                        $(
                            table::Key::of::<$type, $form>(
                                table::name!($field $($name)?),
                                stringify!($field),
                                concat!($($doc),+),
                                table::required!($($default)?),
                                &self.$field,
                            ),
                            $(table::Key::of::<$type, $other_form>(
                                stringify!($other),
                                stringify!($field),
                                concat!($($other_doc),+),
                                false,
                                &self.$field,
                            ),)*
                        )*
                    ];
                    keys.into_iter()$($(.chain(self.$part.keys()))+)?.collect()
                }

                fn read<'de, A: serde::de::MapAccess<'de>>(
                    &mut self,
                    key: &str,
                    values: &mut A,
                ) -> Result<bool, A::Error> {
                    $(
                        if key == table::name!($field $($name)?) {
                            table::read_value::<$type, $form, A>(&mut self.$field, values)?;
                            return Ok(true);
                        }
                        $(if key == stringify!($other) {
                            table::read_value::<$type, $other_form, A>(&mut self.$field, values)?;
                            return Ok(true);
                        })*
                    )*
                    Ok(false $($(|| self.$part.read(key, values)?)+)?)
                }

                fn copy(&mut self, key: &str, from: &Self) -> bool {
                    $(
                        let names = [table::name!($field $($name)?) $(, stringify!($other))*];
                        if names.contains(&key) {
                            self.$field = from.$field.clone();
                            return true;
                        }
                    )*
                    false $($(|| self.$part.copy(key, &from.$part))+)?
                }

                fn check_values(&self, at: &errors::Place, problems: &mut Vec<errors::Problem>) {
                    $(
                        let (key, value) = (table::name!($field $($name)?), &self.$field);
                        <$form as table::Form<$type>>::check(value, at, key, problems);
                        $(
                            let key = stringify!($other);
                            <$other_form as table::Form<$type>>::check(value, at, key, problems);
                        )*
                    )*
                    $($(self.$part.check_values(at, problems);)+)?
                }
            }
        };
    };
}
pub(super) use keys;

/// The name of a table or a key: the one that is given, or else that of the struct or field.
macro_rules! name {
    ($field:ident) => {
        stringify!($field)
    };
    ($field:ident $name:literal) => {
        $name
    };
}
pub(super) use name;

/// The default of a field. Without one its key must stand in every file.
macro_rules! default {
    () => {
        Default::default()
    };
    ($default:expr) => {
        $default
    };
}
pub(super) use default;

/// Whether a field has no default.
macro_rules! required {
    () => {
        true
    };
    ($default:expr) => {
        false
    };
}
pub(super) use required;

/// Reads the next of `values` in the form `F`.
pub(super) fn read_value<'de, T, F: Form<T>, A: MapAccess<'de>>(
    place: &mut T,
    values: &mut A,
) -> Result<(), A::Error> {
    struct Seed<'a, T, F>(&'a mut T, PhantomData<F>);

    impl<'de, T, F: Form<T>> DeserializeSeed<'de> for Seed<'_, T, F> {
        type Value = ();

        fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
            F::read(deserializer, self.0)
        }
    }

    values.next_value_seed(Seed(place, PhantomData::<F>))
}

/// A table as a file states it.
#[derive(Clone, Debug, Default)]
pub(super) struct Given<T>(pub T);

impl<'de, T: Rules> Deserialize<'de> for Given<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader<T>(PhantomData<T>);

        impl<'de, T: Rules> Visitor<'de> for Reader<T> {
            type Value = Given<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a table")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut values: A) -> Result<Given<T>, A::Error> {
                let mut table = T::default();
                let keys = table.keys();
                let mut stated: Vec<&Key> = Vec::new();
                while let Some(key) = values.next_key_seed(KeyOf(&keys))? {
                    table.read(key.name, &mut values)?;
                    stated.push(key);
                }
                let is_stated = |name| stated.iter().any(|key| key.name == name);
                if let Some(key) = keys.iter().find(|key| key.required && !is_stated(key.name)) {
                    return Err(de::Error::missing_field(key.name));
                }
                table.imply(|field| stated.iter().any(|key| key.field == field));
                Ok(Given(table))
            }
        }

        // Not as a struct: serde would read an array as a table without names.
        deserializer.deserialize_any(Reader(PhantomData))
    }
}

/// One of these keys, by its name.
struct KeyOf<'a>(&'a [Key]);

impl<'a, 'de> DeserializeSeed<'de> for KeyOf<'a> {
    type Value = &'a Key;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<&'a Key, D::Error> {
        let name = String::deserialize(deserializer)?;
        self.0.iter().find(|key| key.name == name).ok_or_else(|| {
            let known: Vec<_> = self.0.iter().map(|key| format!("`{}`", key.name)).collect();
            let known = known.join(", ");
            de::Error::custom(format!("unknown field `{name}`, expected one of {known}"))
        })
    }
}

impl<T: Rules> JsonSchema for Given<T> {
    fn schema_name() -> Cow<'static, str> {
        T::NAME.into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let keys = T::default().keys();
        let properties = keys.iter().map(|key| {
            let mut schema = (key.schema)(generator);
            schema.insert("description".into(), key.about.into());
            if let Some(default) = default_of(key) {
                schema.insert("default".into(), default);
            }
            (key.name.to_owned(), schema.to_value())
        });
        let properties: serde_json::Map<_, _> = properties.collect();
        let mut schema = json_schema!({
            "type": "object",
            "description": T::ABOUT.trim_start(),
            "properties": properties,
            "additionalProperties": false,
        });
        let required = keys.iter().filter(|key| key.required);
        let required: Vec<_> = required.map(|key| key.name).collect();
        if !required.is_empty() {
            schema.insert("required".into(), required.into());
        }
        let pairs = T::EXCLUSIVE.iter().flat_map(|set| pairs(set.keys));
        let pairs: Vec<_> = pairs.collect();
        if !pairs.is_empty() {
            schema.insert("not".into(), json!({ "anyOf": pairs }));
        }
        schema
    }
}

/// Returns the default of a key as JSON has it, unless the key is required or has none.
fn default_of(key: &Key) -> Option<serde_json::Value> {
    let text = key.text.as_ref().filter(|_| !key.required)?;
    let file: toml::Table = toml::from_str(&format!("default = {text}")).ok()?;
    let default = serde_json::to_value(&file["default"]).ok()?;
    (!default.is_object()).then_some(default)
}

/// Returns a schema for each two of `keys` that requires both.
fn pairs(keys: &[&'static str]) -> Vec<serde_json::Value> {
    let rest = |index| keys.iter().skip(index + 1);
    let pairs = keys.iter().enumerate();
    pairs
        .flat_map(|(index, one)| rest(index).map(move |other| json!({ "required": [one, other] })))
        .collect()
}
