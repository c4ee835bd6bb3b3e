//! A line to PostgreSQL that can break or fall silent at the worst moment: just before a COMMIT gets there, or just before
//! its answer comes back.

use std::io::{self, Read as _, Write as _};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, Ordering};
use std::thread;

use roborent::base::random::{Entropy, Rng};

use crate::chance::below;

/// The line. Its threads end when both sides have hung up.
#[derive(Clone)]
pub struct LossyLine {
    /// Where to call instead of the server.
    pub address: SocketAddr,
    state: Arc<State>,
}

struct State {
    target: String,
    entropy: Entropy,
    fault: AtomicU8,
    before: AtomicU32,
    after: AtomicU32,
}

/// What happens at every fourth COMMIT or so.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Nothing.
    None,
    /// Both sides notice at once.
    Break,
    /// The connection stays, and nothing comes through it any more.
    Silence,
}

enum Moment {
    BeforeCommit,
    AfterCommit,
}

impl LossyLine {
    /// To `target`; keeps everything until it is told to break.
    pub fn to(target: String, seed: u64) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let state = State {
            target,
            entropy: Entropy::from_number(seed),
            fault: AtomicU8::new(Fault::None as u8),
            before: AtomicU32::new(0),
            after: AtomicU32::new(0),
        };
        let line = Self { address: listener.local_addr().unwrap(), state: Arc::new(state) };
        let taking = line.clone();
        thread::spawn(move || listener.incoming().flatten().try_for_each(|caller| taking.connect(caller)));
        line
    }

    /// From here on this happens at every fourth COMMIT or so.
    pub fn at_commits(&self, fault: Fault) {
        self.state.fault.store(fault as u8, Ordering::SeqCst);
    }

    /// How many COMMITs never arrived, and how many lost their answer.
    pub fn broken(&self) -> (u32, u32) {
        (self.state.before.load(Ordering::SeqCst), self.state.after.load(Ordering::SeqCst))
    }

    fn connect(&self, caller: TcpStream) -> io::Result<()> {
        let server = TcpStream::connect(&self.state.target)?;
        server.set_nodelay(true)?;
        caller.set_nodelay(true)?;
        let (answers, answered) = (server.try_clone()?, caller.try_clone()?);
        let silent = Arc::new(AtomicBool::new(false));
        let answers_silent = Arc::clone(&silent);
        thread::spawn(move || drop(carry_answers(answers, answered, &answers_silent)));
        let (state, rng) = (Arc::clone(&self.state), self.state.entropy.fork());
        thread::spawn(move || {
            drop(state.carry_questions(&caller, &server, rng, &silent));
            drop(caller.shutdown(Shutdown::Both));
            drop(server.shutdown(Shutdown::Write));
        });
        Ok(())
    }
}

impl State {
    fn carry_questions(&self, mut caller: &TcpStream, mut server: &TcpStream, mut rng: Rng, silent: &AtomicBool) -> io::Result<()> {
        let mut buffer = vec![0; 64 * 1024];
        let mut commits = Commits::default();
        loop {
            let length = caller.read(&mut buffer)?;
            if length == 0 {
                return Ok(());
            }
            let question = &buffer[..length];
            let is_commit = commits.are_in(question);
            if silent.load(Ordering::SeqCst) {
                continue;
            }
            match self.fails_at(is_commit, &mut rng) {
                None => server.write_all(question)?,
                Some((Moment::BeforeCommit, is_silent)) => {
                    self.before.fetch_add(1, Ordering::SeqCst);
                    if !is_silent {
                        return Ok(());
                    }
                    silent.store(true, Ordering::SeqCst);
                }
                Some((Moment::AfterCommit, is_silent)) => {
                    self.after.fetch_add(1, Ordering::SeqCst);
                    silent.store(true, Ordering::SeqCst);
                    if !is_silent {
                        caller.shutdown(Shutdown::Both)?;
                        return server.write_all(question);
                    }
                    server.write_all(question)?;
                }
            }
        }
    }

    /// When, and whether in silence.
    fn fails_at(&self, is_commit: bool, rng: &mut Rng) -> Option<(Moment, bool)> {
        let fault = self.fault.load(Ordering::SeqCst);
        if !is_commit || fault == Fault::None as u8 {
            return None;
        }
        let moment = match below(rng, 8) {
            0 => Moment::BeforeCommit,
            1 => Moment::AfterCommit,
            _ => return None,
        };
        Some((moment, fault == Fault::Silence as u8))
    }
}

/// COMMIT is a statement that the server keeps under a name, and that travels behind others.
#[derive(Default)]
struct Commits {
    /// How a message that runs it names it.
    named: Option<Vec<u8>>,
}

impl Commits {
    fn are_in(&mut self, question: &[u8]) -> bool {
        // A message that makes a statement: P, a length of four bytes, its name and its text, a zero behind each.
        if let (Some(b'P'), Some(said)) = (question.first(), question.get(5..))
            && let Some(name) = said.split(|byte| *byte == 0).next()
            && said[name.len()..].starts_with(b"\0commit\0")
        {
            self.named = Some([b"\0", name, b"\0"].concat());
            return false;
        }
        self.named.as_ref().is_some_and(|named| question.windows(named.len()).any(|some| some == named))
    }
}

fn carry_answers(mut server: TcpStream, mut caller: TcpStream, silent: &AtomicBool) -> io::Result<()> {
    let mut buffer = vec![0; 64 * 1024];
    let carried = loop {
        match server.read(&mut buffer) {
            Ok(0) => break Ok(()),
            Ok(_) if silent.load(Ordering::SeqCst) => {}
            Ok(length) => caller.write_all(&buffer[..length])?,
            Err(error) => break Err(error),
        }
    };
    drop(caller.shutdown(Shutdown::Both));
    carried
}
