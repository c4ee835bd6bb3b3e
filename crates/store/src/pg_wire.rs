//! What is said to PostgreSQL: any number of prepared statements in one trip, with one answer to wait for. After a
//! statement that fails, the server skips the rest of the trip.

use std::io::{ErrorKind, Read as _, Write as _};
use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use postgres_protocol::IsNull;
use postgres_protocol::message::backend::{DataRowBody, ErrorResponseBody, Message};
use postgres_protocol::message::frontend::{self, BindError};
use tokio_postgres::fallible_iterator::FallibleIterator as _;
use tokio_postgres::types::{self, ToSql as _, Type};

use crate::error::StoreError;
use crate::pg_socket::Socket;
use crate::statement::{Row, RowOf};
use crate::value::{Cell, Mismatch, Value};

/// As much as is read at once.
const CHUNK: usize = 16 * 1024;

/// An open session.
pub(crate) struct Wire {
    socket: Socket,
    limit: Duration,
    out: BytesMut,
    input: BytesMut,
    chunk: Box<[u8]>,
    /// Statements in the trip that is being written.
    asked: Vec<Arc<Prepared>>,
    /// Trips whose answer nobody has read yet.
    owed: u32,
    named: u32,
    in_transaction: bool,
    lost: bool,
}

/// A statement that the server keeps.
pub(crate) struct Prepared {
    name: String,
    pub(crate) params: Vec<Type>,
    pub(crate) columns: Vec<Type>,
}

/// What a statement answered.
pub(crate) struct Answer {
    statement: Arc<Prepared>,
    rows: Vec<DataRowBody>,
    /// Rows that it changed.
    pub(crate) changed: u64,
    /// Whether it was a COMMIT, and carried out: in a transaction that had failed it would be a rollback.
    pub(crate) is_commit: bool,
}

/// A row of an answer, its columns found.
pub(crate) struct Columns<'a> {
    types: &'a [Type],
    buffer: &'a [u8],
    places: Vec<Option<std::ops::Range<usize>>>,
}

impl Columns<'_> {
    pub(crate) fn cell(&self, index: usize) -> Result<Cell<'_>, Mismatch> {
        let (Some(place), Some(kind)) = (self.places.get(index), self.types.get(index)) else {
            return Err(Mismatch { wanted: "one more column" });
        };
        place.clone().map_or(Ok(Cell::Null), |place| Cell::from_postgres(kind, &self.buffer[place]))
    }
}

impl Answer {
    /// Shows each row.
    pub(crate) fn each(&self, each: &mut dyn FnMut(&Row<'_>) -> Result<(), StoreError>) -> Result<(), StoreError> {
        let mut columns = Columns { types: &self.statement.columns, buffer: &[], places: Vec::new() };
        self.rows.iter().try_for_each(|row| {
            columns.buffer = row.buffer();
            columns.places.clear();
            let mut places = row.ranges();
            while let Some(place) = places.next().map_err(|error| StoreError::Lost(format!("an answer is garbled: {error}")))? {
                columns.places.push(place);
            }
            each(&Row(RowOf::Wire(&columns), 0))
        })
    }
}

impl Wire {
    pub(crate) fn new(socket: Socket) -> Self {
        let chunk = vec![0; CHUNK].into_boxed_slice();
        let (out, input) = (BytesMut::with_capacity(CHUNK), BytesMut::with_capacity(CHUNK));
        Self { socket, limit: Duration::ZERO, out, input, chunk, asked: Vec::new(), owed: 0, named: 0, in_transaction: false, lost: false }
    }

    /// Whether nothing can be asked any more.
    pub(crate) fn is_lost(&self) -> bool {
        self.lost
    }

    /// Whether the server said so at the end of the newest trip.
    pub(crate) fn in_transaction(&self) -> bool {
        self.in_transaction
    }

    /// Puts a statement into the trip.
    pub(crate) fn ask<'v>(&mut self, statement: &Arc<Prepared>, values: impl Iterator<Item = &'v Value<'v>>) -> Result<(), StoreError> {
        let kinds = statement.params.iter();
        let write = |(value, kind): (&Value<'_>, &Type), out: &mut BytesMut| {
            Ok(if let types::IsNull::Yes = value.to_sql(kind, out)? { IsNull::Yes } else { IsNull::No })
        };
        frontend::bind("", &statement.name, [1], values.zip(kinds), write, [1], &mut self.out).map_err(|error| match error {
            BindError::Conversion(error) => StoreError::Bug(error.to_string()),
            BindError::Serialization(error) => StoreError::Bug(error.to_string()),
        })?;
        frontend::execute("", 0, &mut self.out).map_err(|error| unsaid(&error))?;
        self.asked.push(Arc::clone(statement));
        Ok(())
    }

    /// Forgets what was put into the trip.
    pub(crate) fn unsay(&mut self) {
        self.out.clear();
        self.asked.clear();
    }

    /// Sends the trip and waits for its answers, one for each statement. Each piece of them may take `limit`; without it
    /// the line is lost: what was sent may have happened, but no COMMIT has unless one was in it.
    pub(crate) fn trip(&mut self, limit: Duration) -> Result<Vec<Answer>, StoreError> {
        frontend::sync(&mut self.out);
        self.send(limit)?;
        self.answers()
    }

    /// Sends the trip; its answer is read before that of the next one.
    pub(crate) fn send_off(&mut self, limit: Duration) -> Result<(), StoreError> {
        frontend::sync(&mut self.out);
        self.asked.clear();
        self.in_transaction = false;
        self.send(limit)
    }

    /// Statements without parameters, apart from any trip. Answers the first cell of the last row, as text.
    pub(crate) fn batch(&mut self, sql: &str, limit: Duration) -> Result<Option<String>, StoreError> {
        frontend::query(sql, &mut self.out).map_err(|error| unsaid(&error))?;
        self.asked.push(Arc::new(Prepared { name: String::new(), params: Vec::new(), columns: vec![Type::TEXT] }));
        self.send(limit)?;
        let mut said = None;
        for answer in self.answers()? {
            answer.each(&mut |row| {
                said = row.get(0)?;
                Ok(())
            })?;
        }
        Ok(said)
    }

    /// Has the server keep a statement, in a trip of its own.
    pub(crate) fn prepare(&mut self, sql: &str, types: &[Type], limit: Duration) -> Result<Arc<Prepared>, StoreError> {
        self.named += 1;
        let name = format!("s{}", self.named);
        frontend::parse(&name, sql, types.iter().map(Type::oid), &mut self.out).map_err(|error| unsaid(&error))?;
        frontend::describe(b'S', &name, &mut self.out).map_err(|error| unsaid(&error))?;
        frontend::sync(&mut self.out);
        self.send(limit)?;
        let (mut prepared, mut failure) = (Prepared { name, params: Vec::new(), columns: Vec::new() }, None);
        let of = |oid| Type::from_oid(oid).unwrap_or(Type::UNKNOWN);
        loop {
            match self.hear(failure.as_ref())? {
                Message::ParameterDescription(body) => {
                    prepared.params = body.parameters().map(|oid| Ok(of(oid))).collect().map_err(|error| self.broke(&error))?;
                }
                Message::RowDescription(body) => {
                    prepared.columns = body.fields().map(|field| Ok(of(field.type_oid()))).collect().map_err(|error| self.broke(&error))?;
                }
                Message::ErrorResponse(body) => failure = Some(refused(&body)),
                Message::ReadyForQuery(_) if self.owed == 0 => return failure.map_or(Ok(Arc::new(prepared)), Err),
                _ => {}
            }
        }
    }

    /// Hangs up, so that the server undoes what is open. What is on its way already may still be carried out.
    pub(crate) fn hang_up(&mut self) {
        self.lost = true;
        self.socket.shut();
    }

    /// The answer to each statement of the trip, or the first error.
    fn answers(&mut self) -> Result<Vec<Answer>, StoreError> {
        let mut asked = std::mem::take(&mut self.asked).into_iter();
        let (mut answers, mut rows, mut failure) = (Vec::with_capacity(asked.len()), Vec::new(), None);
        loop {
            let earlier = self.owed > 1;
            match self.hear(failure.as_ref())? {
                Message::ReadyForQuery(_) if self.owed == 0 => match failure {
                    Some(failure) => return Err(failure),
                    None if asked.len() > 0 => return Err(self.broke(&ErrorKind::InvalidData.into())),
                    None => return Ok(answers),
                },
                Message::DataRow(row) if !earlier => rows.push(row),
                Message::CommandComplete(body) if !earlier => {
                    let tag = body.tag().map_err(|error| self.broke(&error))?;
                    let changed = tag.rsplit(' ').next().and_then(|n| n.parse().ok()).unwrap_or(0);
                    // A batch is asked once and answered for each of its statements.
                    if let Some(statement) = asked.next() {
                        answers.push(Answer { statement, rows: std::mem::take(&mut rows), changed, is_commit: tag == "COMMIT" });
                    }
                }
                Message::ErrorResponse(body) => failure = failure.or_else(|| Some(refused(&body))),
                _ => {}
            }
        }
    }

    /// Sends what was put together; its end will be answered.
    fn send(&mut self, limit: Duration) -> Result<(), StoreError> {
        self.owed += 1;
        let sent = self.wait_at_most(limit).and_then(|()| self.socket.write_all(&self.out)).and_then(|()| self.socket.flush());
        self.out.clear();
        sent.map_err(|error| self.broke(&error))
    }

    fn wait_at_most(&mut self, limit: Duration) -> std::io::Result<()> {
        if self.limit != limit {
            self.socket.waits(limit)?;
            self.limit = limit;
        }
        Ok(())
    }

    /// The next message that belongs to what was asked. Before it hangs up, the server may have said why.
    fn hear(&mut self, said: Option<&StoreError>) -> Result<Message, StoreError> {
        self.message().map_err(|broken| match (broken, said) {
            (StoreError::Lost(text), Some(said)) => StoreError::Lost(format!("{said}; {text}")),
            (broken, _) => broken,
        })
    }

    fn message(&mut self) -> Result<Message, StoreError> {
        loop {
            match Message::parse(&mut self.input).map_err(|error| self.broke(&error))? {
                None => {
                    let read = self.socket.read(&mut self.chunk).map_err(|error| self.broke(&error))?;
                    if read == 0 {
                        return Err(self.broke(&ErrorKind::UnexpectedEof.into()));
                    }
                    self.input.extend_from_slice(&self.chunk[..read]);
                }
                Some(Message::NoticeResponse(_) | Message::ParameterStatus(_) | Message::NotificationResponse(_)) => {}
                Some(message) => {
                    if let Message::ReadyForQuery(body) = &message {
                        self.owed = self.owed.saturating_sub(1);
                        self.in_transaction = body.status() != b'I';
                    }
                    return Ok(message);
                }
            }
        }
    }

    fn broke(&mut self, error: &std::io::Error) -> StoreError {
        self.lost = true;
        self.unsay();
        StoreError::Lost(match error.kind() {
            ErrorKind::WouldBlock | ErrorKind::TimedOut => format!("no answer within {:?}", self.limit),
            ErrorKind::UnexpectedEof => "the server closed it".to_owned(),
            ErrorKind::InvalidData | ErrorKind::InvalidInput => format!("the answer is garbled: {error}"),
            _ => error.to_string(),
        })
    }
}

fn refused(body: &ErrorResponseBody) -> StoreError {
    let (mut code, mut message, mut constraint) = (String::new(), String::new(), None);
    let mut fields = body.fields();
    while let Ok(Some(field)) = fields.next() {
        let text = String::from_utf8_lossy(field.value_bytes()).into_owned();
        match field.type_() {
            b'C' => code = text,
            b'M' => message = text,
            b'n' => constraint = Some(text),
            _ => {}
        }
    }
    StoreError::refused(&code, &message, constraint.as_deref())
}

fn unsaid(error: &std::io::Error) -> StoreError {
    StoreError::Bug(error.to_string())
}
