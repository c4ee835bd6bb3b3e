//! Blocks as java-tron prints them, made once: 300 transfers of the token each, one of them to a deposit address.

use roborent::base::config::Config;

use crate::Fallible;
use crate::hall::Dice;

/// Transactions in a block.
pub const TRANSACTIONS: usize = 300;
/// Different blocks; each pays another deposit address.
pub const TEMPLATES: u64 = 32;
/// What each block pays in, in micro-USDT.
pub const DEPOSIT: u64 = 2_000_000;
/// Chain time of block 0: blocks come every three seconds.
const BORN_MS: u64 = 1_550_000_000_000;
const TRANSFER: &str = "ddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef";

/// A block with what its transactions did.
pub struct Template {
    pub block: Text,
    pub infos: Text,
}

/// A text with places that differ from block to block.
#[derive(Default)]
pub struct Text {
    bytes: Vec<u8>,
    places: Vec<(usize, Place)>,
}

#[derive(Clone, Copy)]
enum Place {
    /// The number of the block, eight digits.
    Number,
    /// The same in hex.
    Hex,
    /// The number of the block before, in hex.
    ParentHex,
    /// Chain time, thirteen digits.
    Time,
}

impl Text {
    fn add(&mut self, text: &str) -> &mut Self {
        self.bytes.extend_from_slice(text.as_bytes());
        self
    }

    fn place(&mut self, place: Place) -> &mut Self {
        self.places.push((self.bytes.len(), place));
        let width = if matches!(place, Place::Time) { 13 } else { 8 };
        self.bytes.resize(self.bytes.len() + width, b'0');
        self
    }

    /// The text of a block.
    pub fn of(&self, number: u64) -> Vec<u8> {
        let mut bytes = self.bytes.clone();
        let [decimal, hex, parent] = [format!("{number:08}"), format!("{number:08x}"), format!("{:08x}", number - 1)];
        let time = (BORN_MS + number * 3_000).to_string();
        for (at, place) in &self.places {
            let digits = match place {
                Place::Number => &decimal,
                Place::Hex => &hex,
                Place::ParentHex => &parent,
                Place::Time => &time,
            };
            bytes[*at..*at + digits.len()].copy_from_slice(digits.as_bytes());
        }
        bytes
    }
}

/// The head of a block.
pub fn header(number: u64) -> Vec<u8> {
    let (id, parent, time) = (id_of(number), id_of(number.saturating_sub(1)), BORN_MS + number * 3_000);
    format!(r#"{{"blockID":"{id}","block_header":{{"raw_data":{{"number":{number},"parentHash":"{parent}","timestamp":{time}}}}}}}"#).into()
}

fn id_of(number: u64) -> String {
    format!("{number:016x}{}", "b10c".repeat(12))
}

/// The 20 bytes of the deposit address with this index. Nobody else in these blocks has one that begins so.
pub fn deposit_address(index: u64) -> [u8; 20] {
    let mut address = [0x77; 20];
    address[12..].copy_from_slice(&index.to_be_bytes());
    address
}

/// Every template; the one with a number pays the deposit address with that index.
pub fn all() -> Fallible<Vec<Template>> {
    let mut config = Config::default();
    roborent::start::complete(&mut config)?;
    let contract = tron::Address::parse_base58(&config.chain.usdt_contract)?;
    let contract = tron::hex::encode(&contract.to_evm());
    Ok((0..TEMPLATES).map(|n| make(&contract, n)).collect())
}

fn make(contract: &str, n: u64) -> Template {
    let mut dice = Dice(n + 1);
    let (mut block, mut infos) = (Text::default(), Text::default());
    block.add(r#"{"blockID":"00000000"#).place(Place::Hex).add(&"b10c".repeat(12));
    block.add(r#"","block_header":{"raw_data":{"number":"#).place(Place::Number);
    block.add(&format!(
        r#","txTrieRoot":"{}","witness_address":"41{}","parentHash":"00000000"#,
        digits(&mut dice, 64),
        digits(&mut dice, 40)
    ));
    block.place(Place::ParentHex).add(&"b10c".repeat(12)).add(r#"","version":31,"timestamp":"#).place(Place::Time);
    block.add(&format!(r#"}},"witness_signature":"{}"}},"transactions":["#, digits(&mut dice, 130)));
    infos.add("[");
    for at in 0..TRANSACTIONS {
        if at > 0 {
            block.add(",");
            infos.add(",");
        }
        transfer(&mut block, &mut infos, contract, &mut dice, (at == 7).then_some(n));
    }
    block.add("]}");
    infos.add("]");
    Template { block, infos }
}

fn digits(dice: &mut Dice, count: usize) -> String {
    let words = (0..count.div_ceil(8)).map(|_| format!("{:08x}", dice.below(1 << 32)));
    words.collect::<String>()[..count].to_owned()
}

/// A transfer as it stands in the block and in the list of infos.
fn transfer(block: &mut Text, infos: &mut Text, contract: &str, dice: &mut Dice, pays: Option<u64>) {
    let [id, from, to] = [56, 32, 32].map(|count| digits(dice, count));
    let units = if pays.is_some() { DEPOSIT } else { 1 + dice.below(1_000_000_000) };
    let to: [&str; 2] = [&"0".repeat(24), &to];
    let ours = pays.map(|index| tron::hex::encode(&deposit_address(index)));
    let recipient = |text: &mut Text| match &ours {
        Some(address) => drop(text.add(to[0]).add(address)),
        None => drop(text.add(to[0]).place(Place::Hex).add(to[1])),
    };
    block
        .add(&format!(r#"{{"ret":[{{"contractRet":"SUCCESS"}}],"signature":["{}"],"txID":""#, digits(dice, 130)))
        .place(Place::Hex)
        .add(&id);
    block.add(r#"","raw_data":{"contract":[{"parameter":{"value":{"data":"a9059cbb"#);
    recipient(block);
    block.add(&format!(r#"{units:064x}","owner_address":"41"#)).place(Place::Hex).add(&from);
    block.add(&format!(r#"","contract_address":"41{contract}"}},"type_url":"type.googleapis.com/protocol.TriggerSmartContract"}},"#));
    block.add(&format!(
        r#""type":"TriggerSmartContract"}}],"ref_block_bytes":"{}","ref_block_hash":"{}","#,
        digits(dice, 4),
        digits(dice, 16)
    ));
    block.add(r#""expiration":"#).place(Place::Time).add(r#","fee_limit":30000000,"timestamp":"#).place(Place::Time);
    block.add(&format!(r#"}},"raw_data_hex":"{}"}}"#, digits(dice, 422)));
    infos.add(&format!(r#"{{"log":[{{"address":"{contract}","data":"{units:064x}","topics":["{TRANSFER}","{}"#, "0".repeat(24)));
    infos.place(Place::Hex).add(&from).add(r#"",""#);
    recipient(infos);
    infos.add(r#""]}],"fee":345000,"blockNumber":"#).place(Place::Number);
    infos.add(r#","contractResult":["0000000000000000000000000000000000000000000000000000000000000000"],"blockTimeStamp":"#);
    infos
        .place(Place::Time)
        .add(r#","receipt":{"result":"SUCCESS","energy_usage":64285,"energy_usage_total":64285,"net_fee":345000},"id":""#);
    infos.place(Place::Hex).add(&id).add(&format!(r#"","contract_address":"41{contract}"}}"#));
}
