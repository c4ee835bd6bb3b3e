//! `roborent wallet`: makes the keys of an installation, and says what lies where.

use std::fs::File;
use std::io::{IsTerminal as _, Read as _, Write as _};
use std::os::fd::AsFd as _;
use std::path::Path;
use std::sync::Arc;

use secrecy::ExposeSecret as _;
use zeroize::Zeroizing;

use crate::base::config::Config;
use crate::base::installation::make_data_dir;
use crate::cli::WalletInitArgs;
use crate::commands::{say, wait_for};
use crate::gateway::new_keys::{DEPOSIT_FILE, HOT_FILE, NewKeys, new_phrase};
use crate::gateway::state;
use crate::start::{self, StartError};
use crate::wallet::custody::Custody;

/// Shorter ones are guessed.
const PASSPHRASE_CHARACTERS_MIN: usize = 12;
/// Two phrases of 24 words, and room for more than one space between them.
const PHRASES_BYTES_MAX: usize = 1_024;

type Phrase = Zeroizing<String>;

/// Makes both keys and writes their keystores.
pub(super) fn init(config: &Config, args: &WalletInitArgs) -> Result<(), StartError> {
    let folder = args.dir.as_ref().unwrap_or(&config.installation.data_dir);
    for path in [DEPOSIT_FILE, HOT_FILE].map(|name| folder.join(name)) {
        if path.symlink_metadata().is_ok() {
            return Err(StartError(format!("{}: there is a file already, and keys are never overwritten", path.display())));
        }
    }
    let [deposits, hot] = if args.import { given_phrases()? } else { new_phrases()? };
    let keys = NewKeys::from_phrases(&deposits, &hot, config.installation.network).map_err(StartError)?;
    let passphrase = passphrase(config)?;
    make_data_dir(folder).map_err(|e| StartError(format!("{}: {e}", folder.display())))?;
    let folder = folder.canonicalize().map_err(|e| StartError(format!("{}: {e}", folder.display())))?;
    keys.save(&folder, &passphrase).map_err(StartError)?;
    let told = if args.import { Ok(()) } else { tell_phrases(&deposits, &hot) };
    told.and_then(|()| say(&settings(&keys, &folder))).inspect_err(|_| {
        // Nobody has read the phrases, so nothing may ever lie under them.
        for name in [DEPOSIT_FILE, HOT_FILE] {
            drop(std::fs::remove_file(folder.join(name)));
        }
    })
}

/// Where users send money to, and where it leaves from.
pub(super) fn address(mut config: Config) -> Result<(), StartError> {
    start::complete(&mut config)?;
    let custody = Custody::of(&config.chain).map_err(StartError)?;
    let first = custody.deposit_address(0).map_err(|e| StartError(e.to_string()))?;
    let cold = custody.cold.map_or_else(|| "none".to_owned(), |address| address.to_string());
    say(&format!(
        "network        {}\ndeposit_xpub   {}\nfirst deposit  {first}\nhot            {}\ncold           {cold}\nUSDT contract  {}",
        config.installation.network.name(),
        config.chain.deposit_xpub,
        custody.hot,
        custody.contract,
    ))
}

/// What the database says of the chain and of the wallets. Writes nothing, asks no node.
pub(super) fn status(mut config: Config, json: bool) -> Result<(), StartError> {
    start::complete(&mut config)?;
    let store = start::open_to_read(&config)?;
    let closing = store.clone();
    let state = wait_for(async move {
        let dispatcher = start::onlooker(store, Arc::new(config)).await?;
        Ok(dispatcher.look(state::state).await?)
    });
    closing.close();
    let state = state?;
    let text = if json { serde_json::to_string_pretty(&state).map_err(|e| StartError(e.to_string()))? } else { state.to_string() };
    say(&text)
}

/// The only time that they are shown. They go straight to the output: no copy of them stays.
fn tell_phrases(deposits: &Phrase, hot: &Phrase) -> Result<(), StartError> {
    let mut out = std::io::stdout().lock();
    let told = writeln!(
        out,
        "Write both phrases down now, on paper, in two places. They are shown only this once.\n\
         Whoever reads them has the money; whoever loses them and the keystores has lost it.\n\
         \n  deposit addresses: {}\n  hot wallet:        {}\n",
        deposits.as_str(),
        hot.as_str()
    );
    told.and_then(|()| out.flush()).map_err(|e| StartError(format!("the phrases could not be shown, nothing was kept: {e}")))
}

fn settings(keys: &NewKeys, folder: &Path) -> String {
    let file = |name: &str| toml::Value::from(folder.join(name).display().to_string());
    format!(
        "The settings; a server of the role web gets the first two alone:\n\
         \n[chain]\ndeposit_xpub = \"{}\"\nhot_address = \"{}\"\ndeposit_key_file = {}\nhot_key_file = {}\n\
         \nThe gateway opens the keystores with chain.passphrase_file. Keep that file away from backups of the keystores.",
        keys.deposit_xpub(),
        keys.hot_address(),
        file(DEPOSIT_FILE),
        file(HOT_FILE),
    )
}

/// From the settings, or asked for twice.
fn passphrase(config: &Config) -> Result<Zeroizing<String>, StartError> {
    let passphrase = match config.chain.passphrase.expose_secret() {
        "" => asked_passphrase()?,
        given => Zeroizing::new(given.to_owned()),
    };
    if passphrase.chars().count() < PASSPHRASE_CHARACTERS_MIN {
        return Err(StartError(format!("the passphrase of the keystores must have at least {PASSPHRASE_CHARACTERS_MIN} characters")));
    }
    Ok(passphrase)
}

fn asked_passphrase() -> Result<Zeroizing<String>, StartError> {
    if !std::io::stderr().is_terminal() {
        return Err(StartError("there is no terminal to ask for a passphrase: set chain.passphrase_file to a file that holds one".into()));
    }
    let ask = |prompt: &str| {
        let typed = rpassword::prompt_password(prompt).map(Zeroizing::new);
        typed.map_err(|e| StartError(format!("the passphrase cannot be asked for: {e}")))
    };
    let first = ask(&format!("Passphrase of the keystores, at least {PASSPHRASE_CHARACTERS_MIN} characters: "))?;
    if *ask("The same again: ")? == *first { Ok(first) } else { Err(StartError("the two are not the same".into())) }
}

fn new_phrases() -> Result<[Phrase; 2], StartError> {
    Ok([new_phrase().map_err(StartError)?, new_phrase().map_err(StartError)?])
}

/// The first two lines of standard input, read past the buffer of the standard library, which would keep them.
fn given_phrases() -> Result<[Phrase; 2], StartError> {
    let failed = |e: std::io::Error| StartError(format!("standard input: {e}"));
    let mut input = File::from(std::io::stdin().as_fd().try_clone_to_owned().map_err(failed)?);
    let mut bytes = Zeroizing::new([0; PHRASES_BYTES_MAX]);
    let mut length = 0;
    while length < bytes.len() && bytes[..length].split(|byte| *byte == b'\n').count() < 3 {
        match input.read(&mut bytes[length..]).map_err(failed)? {
            0 => break,
            read => length += read,
        }
    }
    let wanted =
        || StartError("standard input must have two lines: the phrase of the deposit addresses, then that of the hot wallet".into());
    let text = std::str::from_utf8(&bytes[..length]).map_err(|_| wanted())?;
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let (Some(deposits), Some(hot), None) = (lines.next(), lines.next(), lines.next()) else { return Err(wanted()) };
    Ok([deposits, hot].map(|phrase| Zeroizing::new(phrase.to_owned())))
}
