//! What keys take.

use serde_json::{Value, json};

/// What a key takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Any text.
    Text,
    /// Any texts.
    Texts,
    /// `true` or `false`.
    Flag,
    /// A text or a flag.
    Switch,
    /// A whole number from the first to the second, both included.
    Number(i64, i64),
    /// A request path.
    HttpPath,
    /// A host name.
    Host,
    /// Host names.
    Hosts,
    /// An absolute directory in the container.
    Directory,
    /// Directories of the repository.
    Directories,
    /// An app's name.
    AppName,
    /// The name of a Secret.
    SecretName,
    /// An environment.
    Environment,
    /// An amount of memory.
    Memory,
    /// An amount of processor time.
    Cpu,
    /// Times, in five fields.
    Schedule,
    /// A text, a sealed value, or a key of a Secret.
    Value,
    /// A sealed value.
    Sealed,
    /// A table.
    Table,
    /// An array of tables.
    Tables,
}

impl Kind {
    /// In words, with article, after "has to be".
    pub fn words(self) -> String {
        match self {
            Self::Text => "a text".into(),
            Self::Texts => "an array of texts".into(),
            Self::Flag => "`true` or `false`".into(),
            Self::Switch => "a text, `true` or `false`".into(),
            Self::Number(least, most) => format!("a whole number from {least} to {most}"),
            Self::HttpPath => "a path beginning with `/`".into(),
            Self::Host => "a host name".into(),
            Self::Hosts => "an array of host names".into(),
            Self::Directory => "an absolute path".into(),
            Self::Directories => "an array of directories".into(),
            Self::AppName => "a name of lower-case letters, digits, `-` and `_`".into(),
            Self::SecretName => "the name of a Secret".into(),
            Self::Environment => "`prod`, `test`, `snap0` to `snap9` or `local`".into(),
            Self::Memory => "an amount of memory, as a text such as \"128Mi\"".into(),
            Self::Cpu => "an amount of processor time, as a text such as \"250m\"".into(),
            Self::Schedule => "times in the five fields of crontab".into(),
            Self::Value => "a text, `{ encrypted = \"…\" }` or `{ secret = \"NAME\", key = \"KEY\" }`".into(),
            Self::Sealed => "`{ encrypted = \"…\" }`".into(),
            Self::Table => "a table".into(),
            Self::Tables => "an array of tables".into(),
        }
    }

    /// The JSON Schema of a value, without what is below a table.
    pub(crate) fn schema(self) -> Value {
        let pattern = |pattern: &str| json!({ "type": "string", "pattern": pattern });
        let array = |items: Value| json!({ "type": "array", "items": items });
        let host = || {
            pattern(r"^[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)+\.?$")
        };
        match self {
            Self::Text => json!({ "type": "string" }),
            Self::Texts => array(json!({ "type": "string" })),
            Self::Flag => json!({ "type": "boolean" }),
            Self::Switch => json!({ "type": ["string", "boolean"] }),
            Self::Number(least, most) => json!({ "type": "integer", "minimum": least, "maximum": most }),
            Self::HttpPath => pattern("^/"),
            Self::Host => host(),
            Self::Hosts => array(host()),
            Self::Directory => pattern("^/."),
            Self::Directories => {
                json!({ "type": "array", "items": { "type": "string" }, "minItems": 1, "uniqueItems": true })
            }
            Self::AppName => json!({
                "type": "string",
                "pattern": "^[a-z]([a-z0-9_-]*[a-z0-9])?$",
                "maxLength": hops_model::name::APP_NAME_MAX,
            }),
            Self::SecretName => pattern(r"^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$"),
            Self::Environment => {
                let names: Vec<_> = hops_model::Environment::all().map(|e| e.as_str()).collect();
                json!({ "type": "string", "enum": names })
            }
            Self::Memory => pattern(r"^[0-9]+(\.[0-9]+)?(Ki|Mi|Gi|Ti|k|M|G|T)?$"),
            Self::Cpu => pattern(r"^[0-9]+(\.[0-9]+)?m?$"),
            Self::Schedule => pattern(r"^\s*\S+\s+\S+\s+\S+\s+\S+\s+\S+\s*$"),
            Self::Value | Self::Sealed | Self::Table => json!({ "type": "object" }),
            Self::Tables => array(json!({ "type": "object" })),
        }
    }
}
