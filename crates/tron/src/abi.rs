//! The few calls and the one event of a TRC-20 token that a payment needs, in the ABI of Solidity.

use crate::address::Address;
use crate::hex;

/// `transfer(address,uint256)`
const TRANSFER: [u8; 4] = [0xa9, 0x05, 0x9c, 0xbb];
/// `balanceOf(address)`
const BALANCE_OF: [u8; 4] = [0x70, 0xa0, 0x82, 0x31];

/// `Transfer(address,address,uint256)`: the first topic of the event. TRC-721 uses the same, with a fourth topic.
pub const TRANSFER_TOPIC: [u8; 32] = [
    0xdd, 0xf2, 0x52, 0xad, 0x1b, 0xe2, 0xc8, 0x9b, 0x69, 0xc2, 0xb0, 0x68, 0xfc, 0x37, 0x8d, 0xaa, 0x95, 0x2b, 0xa7, 0xf1, 0x63, 0xc4,
    0xa1, 0x16, 0x28, 0xf5, 0x5a, 0x4d, 0xf5, 0x23, 0xb3, 0xef,
];

/// A `uint256` as it travels: 32 bytes, big-endian. Compared as such before it is narrowed.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Word([u8; 32]);

impl Word {
    /// From 32 bytes.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// A number of 64 bits; `None` when negative.
    pub fn from_i64(number: i64) -> Option<Self> {
        let number = u64::try_from(number).ok()?;
        let mut bytes = [0; 32];
        bytes[24..].copy_from_slice(&number.to_be_bytes());
        Some(Self(bytes))
    }

    /// As `i64`, if it fits: more than 9.2·10^18 does not.
    pub fn to_i64(&self) -> Option<i64> {
        let (high, low) = self.0.split_last_chunk::<8>()?;
        high.iter().all(|byte| *byte == 0).then(|| i64::try_from(u64::from_be_bytes(*low)).ok())?
    }

    /// Whether it is zero.
    pub fn is_zero(&self) -> bool {
        self.0 == [0; 32]
    }

    /// 64 hex digits.
    pub fn to_hex(&self) -> String {
        hex::encode(&self.0)
    }

    /// The 32 bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    fn address(address: Address) -> Self {
        let mut bytes = [0; 32];
        bytes[12..].copy_from_slice(&address.to_evm());
        Self(bytes)
    }

    /// Strict: the 12 bytes before an address are zero.
    fn to_address(self) -> Option<Address> {
        let (high, low) = self.0.split_last_chunk::<20>()?;
        high.iter().all(|byte| *byte == 0).then_some(Address::from_evm(*low))
    }
}

impl std::fmt::Debug for Word {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.to_hex())
    }
}

/// The call `transfer(to, units)`; `None` when `units` is negative.
pub fn transfer_call(to: Address, units: i64) -> Option<Vec<u8>> {
    Some([&TRANSFER, Word::address(to).as_bytes().as_slice(), Word::from_i64(units)?.as_bytes()].concat())
}

/// Reads back what [`transfer_call`] writes: destination and units. `None` for anything else, and for more units than
/// fit into `i64`.
pub fn read_transfer_call(data: &[u8]) -> Option<(Address, i64)> {
    let arguments = data.strip_prefix(&TRANSFER)?;
    let [to, units] = words(arguments)?;
    Some((to.to_address()?, units.to_i64()?))
}

/// The call `balanceOf(holder)`.
pub fn balance_of_call(holder: Address) -> Vec<u8> {
    [&BALANCE_OF, Word::address(holder).as_bytes().as_slice()].concat()
}

/// The address as the one argument of a call, in hex: what the HTTP API takes as `parameter`.
pub fn address_parameter(address: Address) -> String {
    Word::address(address).to_hex()
}

/// The arguments of `transfer` without its selector, in hex; `None` when `units` is negative.
pub fn transfer_parameter(to: Address, units: i64) -> Option<String> {
    Some(Word::address(to).to_hex() + &Word::from_i64(units)?.to_hex())
}

/// One entry of a log, as a contract wrote it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Log {
    /// The contract that wrote it.
    pub address: Address,
    /// Up to four words; the first names the event.
    pub topics: Vec<[u8; 32]>,
    /// What is not in the topics.
    pub data: Vec<u8>,
}

/// Tokens moved, as their contract wrote into its log. Whether the contract is the right one is for the caller to check:
/// anybody can write a contract that emits this.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TransferEvent {
    /// The contract that says so.
    pub contract: Address,
    /// Who had the tokens.
    pub from: Address,
    /// Who has them now.
    pub to: Address,
    /// How many of the smallest unit. May be more than `i64` holds.
    pub units: Word,
}

impl TransferEvent {
    /// Reads a log entry. `None` unless it is a `Transfer` with exactly three topics, two of them addresses with zeros
    /// before them, and 32 bytes of data. A TRC-721 transfer has four topics and is none.
    pub fn read(log: &Log) -> Option<Self> {
        let [TRANSFER_TOPIC, from, to] = log.topics.as_slice() else { return None };
        let units = Word(log.data.as_slice().try_into().ok()?);
        Some(Self { contract: log.address, from: Word(*from).to_address()?, to: Word(*to).to_address()?, units })
    }
}

fn words<const N: usize>(bytes: &[u8]) -> Option<[Word; N]> {
    let (chunks, rest) = bytes.as_chunks::<32>();
    rest.is_empty().then_some(())?;
    let words: Vec<Word> = chunks.iter().copied().map(Word).collect();
    words.try_into().ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{BALANCE_OF, Log, TRANSFER, TRANSFER_TOPIC, TransferEvent, Word, balance_of_call, read_transfer_call, transfer_call};
    use crate::address::Address;
    use crate::hash::keccak256;

    fn address(byte: u8) -> Address {
        Address::from_evm([byte; 20])
    }

    fn log() -> Log {
        let topic = |byte| *Word::address(address(byte)).as_bytes();
        let data = Word::from_i64(23_500_000).unwrap().as_bytes().to_vec();
        Log { address: address(9), topics: vec![TRANSFER_TOPIC, topic(1), topic(2)], data }
    }

    #[test]
    fn selectors_and_topic_are_the_hashes_of_their_signatures() {
        assert_eq!(keccak256(b"transfer(address,uint256)")[..4], TRANSFER);
        assert_eq!(keccak256(b"balanceOf(address)")[..4], BALANCE_OF);
        assert_eq!(keccak256(b"Transfer(address,address,uint256)"), TRANSFER_TOPIC);
        assert_eq!(balance_of_call(address(1)).len(), 36);
    }

    #[test]
    fn a_transfer_is_read_from_its_log() {
        let event = TransferEvent::read(&log()).unwrap();
        assert_eq!((event.contract, event.from, event.to), (address(9), address(1), address(2)));
        assert_eq!(event.units.to_i64(), Some(23_500_000));
    }

    #[test]
    fn what_only_looks_like_a_transfer_is_none() {
        let changes: [fn(&mut Log); 7] = [
            |log| log.topics[0][31] ^= 1,
            |log| log.topics.push([0; 32]),
            |log| log.topics.truncate(2),
            |log| log.topics[1][0] = 1,
            |log| log.topics[2][11] = 0x41,
            |log| log.data.truncate(31),
            |log| log.data.push(0),
        ];
        for (number, change) in changes.iter().enumerate() {
            let mut log = log();
            change(&mut log);
            assert_eq!(TransferEvent::read(&log), None, "change {number}");
        }
    }

    #[test]
    fn a_value_above_i64_is_kept_as_a_word_and_never_narrowed() {
        let limit = Word::from_i64(i64::MAX).unwrap();
        assert_eq!(limit.to_i64(), Some(i64::MAX));
        let mut above = [0; 32];
        above[24] = 0x80;
        assert_eq!(Word::from_bytes(above).to_i64(), None);
        assert_eq!(Word::from_bytes([0xff; 32]).to_i64(), None);
        let mut far_above = [0; 32];
        far_above[0] = 1;
        assert_eq!(Word::from_bytes(far_above).to_i64(), None);
        assert!(Word::from_bytes(above) > limit && !limit.is_zero());
        assert_eq!(Word::from_i64(-1), None);
        assert_eq!(transfer_call(address(1), -1), None);
    }

    proptest! {
        #[test]
        fn a_call_says_what_went_in(to: [u8; 20], units in 0..=i64::MAX) {
            let to = Address::from_evm(to);
            prop_assert_eq!(read_transfer_call(&transfer_call(to, units).unwrap()), Some((to, units)));
        }

        #[test]
        fn no_bytes_make_the_reader_panic(data: Vec<u8>) {
            let _ = read_transfer_call(&data);
        }
    }
}
