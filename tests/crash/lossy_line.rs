//! A line to PostgreSQL that can break at the worst moment: just before a COMMIT gets there, or just before its answer
//! comes back.

use std::io::{self, Read as _, Write as _};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
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
    breaks: AtomicBool,
    before: AtomicU32,
    after: AtomicU32,
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
            breaks: AtomicBool::new(false),
            before: AtomicU32::new(0),
            after: AtomicU32::new(0),
        };
        let line = Self { address: listener.local_addr().unwrap(), state: Arc::new(state) };
        let taking = line.clone();
        thread::spawn(move || listener.incoming().flatten().try_for_each(|caller| taking.connect(caller)));
        line
    }

    /// Breaks at every fourth COMMIT or so, or keeps everything again.
    pub fn break_at_commits(&self, breaks: bool) {
        self.state.breaks.store(breaks, Ordering::SeqCst);
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
        thread::spawn(move || drop(carry_answers(answers, answered)));
        let (state, rng) = (Arc::clone(&self.state), self.state.entropy.fork());
        thread::spawn(move || {
            drop(state.carry_questions(&caller, &server, rng));
            drop(caller.shutdown(Shutdown::Both));
            drop(server.shutdown(Shutdown::Write));
        });
        Ok(())
    }
}

impl State {
    fn carry_questions(&self, mut caller: &TcpStream, mut server: &TcpStream, mut rng: Rng) -> io::Result<()> {
        let mut buffer = vec![0; 64 * 1024];
        loop {
            let length = caller.read(&mut buffer)?;
            if length == 0 {
                return Ok(());
            }
            let question = &buffer[..length];
            match self.breaks_at(question, &mut rng) {
                None => server.write_all(question)?,
                Some(Moment::BeforeCommit) => {
                    self.before.fetch_add(1, Ordering::SeqCst);
                    return Ok(());
                }
                Some(Moment::AfterCommit) => {
                    self.after.fetch_add(1, Ordering::SeqCst);
                    caller.shutdown(Shutdown::Both)?;
                    return server.write_all(question);
                }
            }
        }
    }

    fn breaks_at(&self, question: &[u8], rng: &mut Rng) -> Option<Moment> {
        // A simple query, its length, and its text with a zero at the end.
        let is_commit = question.first() == Some(&b'Q') && question.get(5..).is_some_and(|text| text.eq_ignore_ascii_case(b"commit\0"));
        if !is_commit || !self.breaks.load(Ordering::SeqCst) {
            return None;
        }
        match below(rng, 8) {
            0 => Some(Moment::BeforeCommit),
            1 => Some(Moment::AfterCommit),
            _ => None,
        }
    }
}

fn carry_answers(mut server: TcpStream, mut caller: TcpStream) -> io::Result<()> {
    let carried = io::copy(&mut server, &mut caller);
    drop(caller.shutdown(Shutdown::Both));
    carried.map(drop)
}
