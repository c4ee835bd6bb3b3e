//! The transport of 2024-11-05: answers come as events of a stream, messages are posted beside it. Each message goes the same
//! way as one that is posted alone, so a stream holds nothing but whose it is.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::{Response, StatusCode, Uri};
use rmcp::ServerHandler;
use serde_json::Value;
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout};

use crate::base::call::Credentials;
use crate::base::error::{Error, Refusal, Result};
use crate::doors::App;
use crate::doors::mcp::asker::Asker;
use crate::doors::mcp::door::{Door, parse};
use crate::doors::mcp::streams::{Owner, Stream};
use crate::doors::mcp::{McpRefusal, PATH, answer};
use crate::doors::text_stream::{self, Says};

const KEEP_ALIVE_EVERY: Duration = Duration::from_secs(15);
const CHECK_EVERY: Duration = Duration::from_mins(1);

/// Opens a stream.
pub async fn open<H: ServerHandler + Clone + Sync>(State(door): State<Arc<Door<H>>>, request: Request) -> Response<Body> {
    let (parts, _) = request.into_parts();
    match begin(&door.app, &parts).await {
        Err(error) => answer::refusal(&error, &Value::Null),
        Ok(line) => {
            let mut response = Response::new(text_stream::body(None, line));
            text_stream::mark(response.headers_mut());
            response
        }
    }
}

async fn begin(app: &Arc<App>, parts: &axum::http::request::Parts) -> Result<Line> {
    let asker = Asker::of(app, parts).await?;
    let owner = if asker.is_anonymous() {
        Owner::Nobody
    } else {
        let user_id = app.dispatcher.who(&asker.credentials).await?.user_id;
        Owner::Keyed { user_id, credentials: asker.credentials.clone() }
    };
    let id = app.dispatcher.entropy().fork().hex(32);
    let (stream, answers) = app.streams.open(id.clone(), asker.client, owner, &app.dispatcher.config.mcp)?;
    let now = Instant::now();
    Ok(Line { app: Arc::clone(app), id, stream, answers, told: false, checked: now, heard: (0, now) })
}

/// A message for a stream: 202, and the answer is an event.
pub async fn take<H: ServerHandler + Clone + Sync>(State(door): State<Arc<Door<H>>>, request: Request) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let taken = async {
        let mut asker = Asker::of(&door.app, &parts).await?;
        let stream = door.app.streams.find(&stream_id(&parts.uri))?;
        admit(&door.app, &mut asker, &stream).await?;
        let bytes = door.read(&parts.headers, body).await?;
        Ok::<_, Error>((asker, stream, bytes))
    };
    let (asker, stream, bytes) = match taken.await {
        Ok(taken) => taken,
        Err(error) => return answer::refusal(&error, &Value::Null),
    };
    stream.note_message();
    let value = match parse(&bytes) {
        Ok(Value::Array(_)) => {
            let why = "Messages for an event stream are posted one by one.";
            return answer::error(StatusCode::BAD_REQUEST, &Value::Null, answer::INVALID_REQUEST, why);
        }
        Ok(value) => value,
        Err(refused) => return *refused,
    };
    let waiting = Duration::from_secs(door.app.dispatcher.config.mcp.timeout_seconds);
    let Ok(Ok(permit)) = timeout(waiting, Arc::clone(&stream.work).acquire_owned()).await else {
        return answer::refusal(&Error::from(McpRefusal::StreamFull).retry_after(5), &Value::Null);
    };
    tokio::spawn(async move {
        let asker = Arc::new(asker);
        let answered = door.one(&asker, value, Some(bytes.into())).await;
        if let Some(credentials) = asker.registered.get() {
            bind_registered(&door.app, &stream, credentials).await;
        }
        if answered.status() != StatusCode::ACCEPTED
            && let Ok(body) = to_bytes(answered.into_body(), usize::MAX).await
        {
            // Nobody is there any more when the stream was closed in the meantime.
            drop(stream.answers.send(String::from_utf8_lossy(&body).into_owned()).await);
        }
        drop(permit);
    });
    let mut accepted = Response::new(Body::empty());
    *accepted.status_mut() = StatusCode::ACCEPTED;
    accepted
}

fn stream_id(uri: &Uri) -> String {
    let fields = url::form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes());
    let mut named = fields.filter(|(name, _)| name == "sessionId" || name == "session_id");
    named.next().map(|(_, id)| id.into_owned()).unwrap_or_default()
}

/// Whether this caller may post to this stream; a credential makes a free one his.
async fn admit(app: &Arc<App>, asker: &mut Asker, stream: &Stream) -> Result<()> {
    asker.on_a_stream = true;
    asker.reads_results = true;
    match (stream.owner(), asker.is_anonymous()) {
        (Owner::Nobody, true) => {}
        (Owner::Nobody, false) => {
            let user_id = app.dispatcher.who(&asker.credentials).await?.user_id;
            stream.bind(Owner::Keyed { user_id, credentials: asker.credentials.clone() });
            if stream.owner().user_id() != Some(user_id) {
                return Err(McpRefusal::StreamOfAnother.into());
            }
        }
        (Owner::Keyed { .. }, true) => return Err(Refusal::AuthenticationRequired.into()),
        (Owner::Registered { user_id, credentials }, true) => {
            asker.subject = user_id.0;
            asker.credentials = credentials;
            asker.checked = false;
        }
        (Owner::Keyed { user_id, .. } | Owner::Registered { user_id, .. }, false) => {
            if app.dispatcher.who(&asker.credentials).await?.user_id != user_id {
                return Err(McpRefusal::StreamOfAnother.into());
            }
        }
    }
    asker.registered = OnceLock::new();
    Ok(())
}

async fn bind_registered(app: &Arc<App>, stream: &Stream, credentials: &Credentials) {
    if let Ok(member) = app.dispatcher.who(credentials).await {
        stream.bind(Owner::Registered { user_id: member.user_id, credentials: credentials.clone() });
    }
}

/// One end of an open stream; dropped with the connection, and then nothing is left of it.
struct Line {
    app: Arc<App>,
    id: String,
    stream: Arc<Stream>,
    answers: mpsc::Receiver<String>,
    told: bool,
    /// When the credentials were last looked at.
    checked: Instant,
    /// Messages until then, and when the last one came.
    heard: (u64, Instant),
}

impl Drop for Line {
    fn drop(&mut self) {
        self.app.streams.close(&self.id);
    }
}

impl Says for Line {
    async fn next(mut self) -> Option<(Bytes, Self)> {
        if !self.told {
            self.told = true;
            let address = format!("event: endpoint\ndata: {PATH}/messages?sessionId={}\n\n", self.id);
            return Some((address.into(), self));
        }
        let stopping = self.app.stopping.clone();
        let event = tokio::select! {
            () = stopping.cancelled() => return None,
            event = timeout(KEEP_ALIVE_EVERY, self.answers.recv()) => event,
        };
        let idle = Duration::from_secs(self.app.dispatcher.config.mcp.stream_idle_seconds);
        let messages = self.stream.messages();
        if messages != self.heard.0 {
            self.heard = (messages, Instant::now());
        }
        if self.heard.1.elapsed() >= idle {
            return None;
        }
        let text = match event {
            Ok(None) => return None,
            // JSON holds no line breaks, so an answer is one line.
            Ok(Some(answer)) => format!("event: message\ndata: {answer}\n\n"),
            Err(_) => ": still here\n\n".to_owned(),
        };
        if text.starts_with("event") || self.checked.elapsed() >= CHECK_EVERY {
            self.checked = Instant::now();
            let owner = self.stream.owner();
            if let Some(credentials) = owner.credentials()
                && let Err(error) = self.app.dispatcher.who(credentials).await
                && error.status() == 401
            {
                return None;
            }
        }
        Some((text.into(), self))
    }
}
