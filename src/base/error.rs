//! One error for every door: a status, a stable code, what is wrong, what to do next.
//!
//! A room lists what it refuses with [`refusals!`](crate::refusals); the doors render it as problem+json (RFC 9457),
//! and the reference page lists every code.

use serde_json::{Map, Value, json};

use store::StoreError;

/// What every operation answers with.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A call that was refused or failed. Nothing was changed.
#[derive(Clone, Debug)]
pub struct Error(Box<Problem>);

#[derive(Clone, Debug)]
struct Problem {
    facts: &'static Facts,
    detail: String,
    members: Map<String, Value>,
    retry_after_seconds: Option<u64>,
}

/// What is the same each time an error with this code occurs.
#[derive(Debug)]
pub struct Facts {
    /// The HTTP status.
    pub status: u16,
    /// Stable, for programs.
    pub code: &'static str,
    /// What the caller can do next.
    pub hint: &'static str,
}

impl Error {
    /// Made by [`refusals!`](crate::refusals).
    pub fn new(facts: &'static Facts, detail: String) -> Self {
        Self(Box::new(Problem { facts, detail, members: Map::new(), retry_after_seconds: None }))
    }

    /// Adds a member to the problem, such as `missing_usd`.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.0.members.insert(name.to_owned(), value.into());
        self
    }

    /// Says when it is worth trying again.
    #[must_use]
    pub fn retry_after(mut self, seconds: u64) -> Self {
        self.0.retry_after_seconds = Some(seconds);
        self
    }

    /// The HTTP status.
    pub fn status(&self) -> u16 {
        self.0.facts.status
    }

    /// The stable code.
    pub fn code(&self) -> &'static str {
        self.0.facts.code
    }

    /// What is wrong, for people.
    pub fn detail(&self) -> &str {
        &self.0.detail
    }

    /// What the caller can do next.
    pub fn hint(&self) -> &'static str {
        self.0.facts.hint
    }

    /// What was added with [`Error::with`].
    pub fn members(&self) -> &Map<String, Value> {
        &self.0.members
    }

    /// Seconds after which it is worth trying again.
    pub fn retry_after_seconds(&self) -> Option<u64> {
        self.0.retry_after_seconds
    }

    /// The body of application/problem+json.
    pub fn to_problem(&self, request_id: &str) -> Value {
        let Problem { facts, detail, members, .. } = &*self.0;
        let mut problem = json!({
            "type": format!("/docs#error-{}", facts.code),
            "title": facts.code.replace('_', " "),
            "status": facts.status,
            "code": facts.code,
            "detail": detail,
            "hint": facts.hint,
            "request_id": request_id,
        });
        if let (Some(problem), members) = (problem.as_object_mut(), members) {
            problem.extend(members.clone());
        }
        problem
    }
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ({})", self.0.detail, self.code())
    }
}

impl std::error::Error for Error {}

/// Declares what a room refuses: a variant, its status, code, what is wrong (fields may be named in the text) and what
/// to do next. Makes `FACTS`, the list that the reference page and the tests read.
#[macro_export]
macro_rules! refusals {
    ($(#[$doc:meta])* $vis:vis enum $name:ident {
        $($(#[$vdoc:meta])* $variant:ident $({ $($field:ident : $ty:ty),* })? = $status:literal $code:literal : $detail:literal => $hint:literal;)*
    }) => {
        $(#[$doc])*
        #[derive(Clone, Debug)]
        $vis enum $name { $($(#[$vdoc])* #[doc = concat!(" Code `", $code, "`: ", $detail)] $variant $({ $(#[doc = "Named in the text."] $field: $ty),* })?),* }

        impl $name {
            /// Every code of this room.
            pub const FACTS: &'static [$crate::base::error::Facts] =
                &[$($crate::base::error::Facts { status: $status, code: $code, hint: $hint }),*];

            fn detail(&self) -> String {
                match self { $(Self::$variant $({ $($field),* })? => format!($detail)),* }
            }

            fn code(&self) -> &'static str {
                match self { $(Self::$variant $({ $($field: _),* })? => $code),* }
            }
        }

        impl From<$name> for $crate::base::error::Error {
            fn from(refusal: $name) -> Self {
                let facts = $name::FACTS.iter().find(|facts| facts.code == refusal.code()).expect("FACTS holds every variant");
                Self::new(facts, refusal.detail())
            }
        }
    };
}

refusals! {
    /// What the ground floor refuses, for every operation.
    pub enum Refusal {
        MalformedRequest { why: &'static str } = 400 "malformed_request": "The request can be read in more than one way: {why}." => "Use an HTTP library, and a proxy that forwards what it understood.";
        InvalidJson { why: String } = 400 "invalid_json": "The body is not valid JSON: {why}." => "Send one JSON object, or an empty body.";
        InvalidField { field: String, why: String } = 422 "invalid_field": "`{field}`: {why}." => "Correct the field; /docs lists what each one takes.";
        UnknownField { field: String } = 422 "unknown_field": "There is no field `{field}` here." => "Remove it; /docs lists the fields of each operation.";
        FieldTwice { field: String } = 400 "field_twice": "`{field}` is given more than once." => "Give each field once, in the path, the query or the body.";
        BodyTooLarge { bytes_max: usize } = 413 "body_too_large": "The body is larger than the {bytes_max} bytes that this server takes." => "Send a smaller body.";
        NotFound = 404 "not_found": "There is nothing here that you may see." => "Check the path and the id; /docs lists every path.";
        MethodNotAllowed = 405 "method_not_allowed": "This path does not answer that method." => "See the Allow header.";
        AuthenticationRequired = 401 "authentication_required": "This needs a credential." => "Send X-API-Key, or Authorization: Bearer with a key or a token. POST /api/v1/agent/register gives a key at once.";
        InvalidApiKey = 401 "invalid_api_key": "This is not a valid API key." => "Check that the whole key was copied (46 characters); a revoked key stays invalid.";
        WrongEnvironment { found: &'static str, here: &'static str } = 401 "wrong_environment": "This is a {found} key; this server takes {here} keys." => "Use a key that was made on this server.";
        InvalidToken { why: &'static str } = 401 "invalid_token": "The token is not accepted: {why}." => "Sign in again.";
        AmbiguousCredentials = 401 "ambiguous_credentials": "The request carries credentials of more than one kind that do not belong together." => "Send one credential.";
        ScopeMissing { scope: &'static str } = 403 "scope_missing": "The API key does not have the scope `{scope}`." => "Use or create a key with that scope.";
        SessionRequired = 403 "session_required": "This needs a session, an API key is not enough." => "Sign in and send the token.";
        UserSuspended = 403 "user_suspended": "This user is suspended and can only read." => "Write to the operator of this marketplace.";
        AdminOnly = 403 "admin_only": "This is for admins." => "Sign in as an admin.";
        RateLimited { policy: &'static str, limit: String } = 429 "rate_limited": "The limit `{policy}` of {limit} is used up." => "Wait as long as Retry-After says.";
        IdempotencyKeyRequired = 400 "idempotency_key_required": "This operation needs an Idempotency-Key." => "Send a key of your own choice, 1 to 255 characters, the same one when you repeat the call.";
        IdempotencyKeyInvalid = 400 "idempotency_key_invalid": "The Idempotency-Key must be 1 to 255 printable ASCII characters." => "Use for example a UUID.";
        IdempotencyKeyReused = 422 "idempotency_key_reused": "This Idempotency-Key was used for this operation with other input." => "Use a new key for a new call, the same input for a repeated one.";
        StaleCursor = 400 "invalid_cursor": "The cursor is not one that this list gave." => "Start without a cursor, then send next_cursor as it came.";
        Busy = 503 "busy": "The server has more work waiting than it takes." => "Try again in a second; with the same Idempotency-Key nothing happens twice.";
        Unavailable = 503 "unavailable": "The database is not available at the moment." => "Try again; with the same Idempotency-Key nothing happens twice.";
        OutcomeUnknown = 503 "outcome_unknown": "The connection to the database broke while the change was made; it may or may not be there." => "Repeat the call with the same Idempotency-Key, or look before you repeat it.";
        TimedOut = 504 "timeout": "The answer took longer than the deadline; the change may still be made." => "Repeat the call with the same Idempotency-Key to learn the outcome.";
        Internal = 500 "internal": "Something is wrong in this server; it was logged." => "Try again later; tell the operator the request id if it stays.";
    }
}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        match &error {
            StoreError::Busy => Self::from(Refusal::Busy).retry_after(1),
            StoreError::Closed | StoreError::Unavailable(_) | StoreError::Lost(_) | StoreError::Race(_) => {
                tracing::warn!(%error, "the store could not do it");
                Self::from(Refusal::Unavailable).retry_after(1)
            }
            StoreError::Ambiguous(_) => {
                tracing::warn!(%error, "an ambiguous commit");
                Self::from(Refusal::OutcomeUnknown).retry_after(1)
            }
            StoreError::Violation(_) | StoreError::Corrupt(_) | StoreError::Bug(_) | StoreError::Migration(_) => {
                tracing::error!(%error, "a bug");
                Refusal::Internal.into()
            }
        }
    }
}

/// For what only a bug can cause: logs it and answers `internal`.
pub fn internal(why: impl std::fmt::Display) -> Error {
    tracing::error!(%why, "a bug");
    Refusal::Internal.into()
}
