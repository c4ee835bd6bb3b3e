//! What an operation tells a model about itself: title, description and hints of its MCP tool.

/// The face of an operation as an MCP tool. Name, input and output are those of the operation; that it only reads follows
/// from its effect.
#[derive(Clone, Copy, Debug)]
pub struct Tool {
    /// A few words for people.
    pub title: &'static str,
    /// What it does and to what; when to use it, and which other tool when not; what the hints cannot say.
    pub description: &'static str,
    /// What it ends or pays cannot be taken back.
    pub destroys: bool,
    /// A second call with the same arguments changes nothing more.
    pub idempotent: bool,
    /// Its effect reaches beyond this server.
    pub reaches_out: bool,
}

/// A tool that only adds, inside this server.
pub const fn tool(title: &'static str, description: &'static str) -> Tool {
    Tool { title, description, destroys: false, idempotent: false, reaches_out: false }
}

impl Tool {
    /// What it ends or pays cannot be taken back.
    #[must_use]
    pub const fn destroys(mut self) -> Self {
        self.destroys = true;
        self
    }

    /// A second call with the same arguments changes nothing more.
    #[must_use]
    pub const fn idempotent(mut self) -> Self {
        self.idempotent = true;
        self
    }

    /// Its effect reaches beyond this server.
    #[must_use]
    pub const fn reaches_out(mut self) -> Self {
        self.reaches_out = true;
        self
    }
}
