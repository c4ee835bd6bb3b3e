//! An operation, as its room lists it: one entry from which REST, the documents and the tests are made.

use std::any::Any;
use std::borrow::Cow;
use std::pin::Pin;
use std::sync::Arc;

use garde::Validate;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::base::clock::Ts;
use crate::base::config::Config;
use crate::base::context::{Context, Scope};
use crate::base::error::{Result, internal};
use crate::base::ids::UserId;
use crate::base::input;
use crate::base::limit::Policy;
use crate::base::tool::Tool;

/// The HTTP method of a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Method {
    /// Reads.
    Get,
    /// Does something.
    Post,
    /// Changes fields.
    Patch,
    /// Ends something.
    Delete,
}

/// Whether an operation may write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Runs in a snapshot that cannot write.
    Query,
    /// Runs in a transaction.
    Command,
}

/// Who may call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Anybody; credentials are not looked at.
    Open,
    /// Any user; an API key needs the scope.
    User(Scope),
    /// A user with a session, or a key with every scope.
    Keys,
    /// A user with the role admin. Others get `admin_only`.
    Admin,
    /// Anybody on the same machine, and only in the sandbox.
    Sandbox,
}

impl Access {
    /// Whether anybody may call, so that no credential is looked at.
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Open | Self::Sandbox)
    }
}

/// Whether a repeated call is recognised by its Idempotency-Key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Idempotency {
    /// The key is not looked at (reads, and answers that show a secret once).
    Ignored,
    /// A key is honoured.
    Honoured,
    /// A key must be given.
    Required,
}

/// What an operation answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The media type of the body.
    pub content_type: &'static str,
    /// The body as it goes out, and as it is stored for a repeated call.
    pub body: Vec<u8>,
}

/// An operation with its input read.
pub struct Bound {
    /// May run more than once; answers the body.
    pub run: Box<BoundRun>,
    input: Arc<dyn Any + Send + Sync>,
}

/// What happens instead when the hourly limit is used up; it is told when the limit frees.
pub type BoundLimited = Box<dyn Fn(&mut Context<'_, '_>, Ts) -> Result<()> + Send + Sync>;

/// Waits for an answer from outside; an error refuses the call.
pub type Checking = Pin<Box<dyn Future<Output = Result<()>> + Send>>;

/// What has to be asked outside for an input; nothing for most.
pub type Outside = Arc<dyn Fn(&Value, &Config) -> Option<Checking> + Send + Sync>;

type BoundRun = dyn Fn(&mut Context<'_, '_>) -> Result<Vec<u8>> + Send + Sync;
type Announce = dyn Fn(&mut Context<'_, '_>, &dyn Any, UserId) + Send + Sync;
type Bind<B> = dyn Fn(Value) -> Result<B> + Send + Sync;
type SchemaOf = fn(&mut SchemaGenerator) -> Schema;

/// One function of the API. Public fields are read by the doors and the documents.
#[derive(Clone)]
pub struct Operation {
    /// Unique; also the name of the MCP tool.
    pub name: &'static str,
    /// Whether it may write.
    pub effect: Effect,
    /// Where it is found; the first is the one the documents show.
    pub routes: Vec<(Method, &'static str)>,
    /// Who may call.
    pub access: Access,
    /// What counts its calls.
    pub limit: Option<Policy>,
    /// What a repeated call means.
    pub idempotency: Idempotency,
    /// The status of success.
    pub status: u16,
    /// One sentence for readers of the documents.
    pub about: &'static str,
    /// A body that works as it stands, for the examples.
    pub example: Option<Value>,
    /// The media type of success.
    pub content_type: &'static str,
    /// The schema of the input.
    pub input: SchemaOf,
    /// The schema of the output, of the JSON ones.
    pub output: SchemaOf,
    /// Whether `dry_run` in the input asks what would happen.
    pub may_be_tried: bool,
    /// Whether the answer goes on: after what the operation says at once, the door sends what happens later.
    pub streams: bool,
    /// What is asked of the network before the call, if its input needs it.
    pub outside: Option<Outside>,
    /// What it is called over MCP, if it can be.
    pub tool: Option<Tool>,
    bind: Arc<Bind<Bound>>,
    limited: Option<Arc<Bind<BoundLimited>>>,
    announce: Option<Arc<Announce>>,
}

/// An operation that only reads.
pub fn query<I, O>(name: &'static str, method: Method, path: &'static str, access: Access, run: Run<I, O>) -> Operation
where
    I: Input,
    O: Serialize + JsonSchema + 'static,
{
    operation(name, Effect::Query, (method, path), access, run, to_json)
}

/// An operation that writes.
pub fn command<I, O>(name: &'static str, method: Method, path: &'static str, access: Access, run: Run<I, O>) -> Operation
where
    I: Input,
    O: Serialize + JsonSchema + 'static,
{
    operation(name, Effect::Command, (method, path), access, run, to_json)
}

/// An operation that answers a CSV file.
pub fn csv<I: Input>(name: &'static str, path: &'static str, access: Access, run: Run<I, Csv>) -> Operation {
    let mut operation = operation(name, Effect::Query, (Method::Get, path), access, run, |csv| Ok(csv.0.clone().into_bytes()));
    operation.content_type = "text/csv; charset=utf-8";
    operation
}

/// An operation that begins a stream of server-sent events; the door goes on with it.
pub fn stream<I: Input>(name: &'static str, path: &'static str, access: Access, run: Run<I, EventStream>) -> Operation {
    let mut operation = operation(name, Effect::Query, (Method::Get, path), access, run, |begun| Ok(begun.0.clone().into_bytes()));
    operation.content_type = "text/event-stream";
    operation.streams = true;
    operation
}

/// The function of an operation.
pub type Run<I, O> = fn(&mut Context<'_, '_>, &I) -> Result<O>;

/// What every input is: one flat struct, read from JSON, checked, described.
pub trait Input: DeserializeOwned + Validate<Context = ()> + JsonSchema + Send + Sync + 'static {}
impl<I: DeserializeOwned + Validate<Context = ()> + JsonSchema + Send + Sync + 'static> Input for I {}

/// The text of a CSV file.
pub struct Csv(pub String);

impl JsonSchema for Csv {
    fn schema_name() -> Cow<'static, str> {
        "Csv".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "description": "RFC 4180, UTF-8, with a header line" })
    }
}

/// How a stream of server-sent events begins.
pub struct EventStream(pub String);

impl JsonSchema for EventStream {
    fn schema_name() -> Cow<'static, str> {
        "EventStream".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "description": "Server-sent events as the HTML standard describes them; `data` is one JSON object." })
    }
}

fn to_json<O: Serialize>(output: &O) -> Result<Vec<u8>> {
    serde_json::to_vec(output).map_err(internal)
}

fn operation<I: Input, O: JsonSchema + 'static>(
    name: &'static str,
    effect: Effect,
    route: (Method, &'static str),
    access: Access,
    run: Run<I, O>,
    render: fn(&O) -> Result<Vec<u8>>,
) -> Operation {
    let bind = move |value: Value| -> Result<Bound> {
        let input: Arc<I> = Arc::new(input::read(value)?);
        Ok(Bound { input: Arc::clone(&input) as Arc<dyn Any + Send + Sync>, run: Box::new(move |cx| render(&run(cx, &input)?)) })
    };
    let repeatable = effect == Effect::Command && route.0 == Method::Post;
    Operation {
        name,
        effect,
        routes: vec![route],
        access,
        limit: if access.is_open() { None } else { Some(Policy::Read) },
        idempotency: if repeatable { Idempotency::Honoured } else { Idempotency::Ignored },
        status: 200,
        about: "",
        example: None,
        content_type: "application/json",
        input: |generator| generator.subschema_for::<I>(),
        output: |generator| generator.subschema_for::<O>(),
        may_be_tried: false,
        streams: false,
        outside: None,
        tool: None,
        bind: Arc::new(bind),
        limited: None,
        announce: None,
    }
}

impl Operation {
    /// Reads the input. Fails with `invalid_field` or `unknown_field`.
    pub fn bind(&self, input: Value) -> Result<Bound> {
        (self.bind)(input)
    }

    /// Reads the input for the case that the hourly limit is used up.
    pub fn bind_limited(&self, input: &Value) -> Result<Option<BoundLimited>> {
        self.limited.as_ref().map(|bind| bind(input.clone())).transpose()
    }

    /// Announces what the call reads first, when `caller` is who he was a moment ago. See [`store::Tx::announce`].
    pub fn announce(&self, cx: &mut Context<'_, '_>, bound: &Bound, caller: UserId) {
        if let Some(announce) = &self.announce {
            announce(cx, &*bound.input, caller);
        }
    }

    /// What it reads first, so that it travels with the look at who calls.
    #[must_use]
    pub fn reads_first<I: Input>(mut self, announce: fn(&mut Context<'_, '_>, &I, UserId)) -> Self {
        self.announce = Some(Arc::new(move |cx, input, caller| {
            if let Some(input) = input.downcast_ref::<I>() {
                announce(cx, input, caller);
            }
        }));
        self
    }

    /// What it does, in one sentence.
    #[must_use]
    pub fn about(mut self, about: &'static str) -> Self {
        self.about = about;
        self
    }

    /// It is a tool over MCP, under the same name.
    #[must_use]
    pub fn tool(mut self, tool: Tool) -> Self {
        self.tool = Some(tool);
        self
    }

    /// A second place where it is found.
    #[must_use]
    pub fn also(mut self, method: Method, path: &'static str) -> Self {
        self.routes.push((method, path));
        self
    }

    /// What counts its calls, when it is not [`Policy::Read`].
    #[must_use]
    pub fn limit(mut self, policy: Policy) -> Self {
        self.limit = Some(policy);
        self
    }

    /// Success makes something new: 201.
    #[must_use]
    pub fn creates(mut self) -> Self {
        self.status = 201;
        self
    }

    /// With `dry_run` in the input it tells what would happen: 200, nothing is changed, counted as a read.
    #[must_use]
    pub fn may_be_tried(mut self) -> Self {
        self.may_be_tried = true;
        self
    }

    /// What is done, and kept, when a call is refused by its hourly limit.
    #[must_use]
    pub fn when_limited<I: Input>(mut self, run: fn(&mut Context<'_, '_>, &I, Ts) -> Result<()>) -> Self {
        self.limited = Some(Arc::new(move |value| {
            let input: I = input::read(value)?;
            Ok(Box::new(move |cx, free_at| run(cx, &input, free_at)))
        }));
        self
    }

    /// The answer shows a secret once, so it is not stored for a repeated call.
    #[must_use]
    pub fn shows_a_secret(mut self) -> Self {
        self.idempotency = Idempotency::Ignored;
        self
    }

    /// Something outside has to be known before the transaction begins, in which nothing talks to the network.
    #[must_use]
    pub fn asks_outside(mut self, check: impl Fn(&Value, &Config) -> Option<Checking> + Send + Sync + 'static) -> Self {
        self.outside = Some(Arc::new(check));
        self
    }

    /// An Idempotency-Key must be given.
    #[must_use]
    pub fn needs_idempotency_key(mut self) -> Self {
        self.idempotency = Idempotency::Required;
        self
    }

    /// A body that works as it stands.
    #[must_use]
    pub fn example(mut self, body: Value) -> Self {
        self.example = Some(body);
        self
    }
}
