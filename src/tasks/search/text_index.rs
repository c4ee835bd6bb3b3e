//! The text index: which open tasks have which words. It is made from the tasks and can be made anew from them.

use crate::base::{Context, Result};
use crate::tasks::search::words::{Texts, words_of};
use crate::tasks::search::{parse_tags, store};
use crate::tasks::store as tasks_store;
use crate::tasks::task::{Task, TaskId};

/// Tasks of one transaction when the index is made anew.
const CHUNK: i64 = 500;

/// The number under which the index knows a task, made from its id: the millisecond and the low 12 bits of the number of
/// the call (see [`Context::new_ordered_id`]). Newer tasks have larger ones.
fn number(id: TaskId) -> i64 {
    let bytes = id.0.into_bytes();
    let milliseconds = bytes[..6].iter().fold(0, |number, byte| number << 8 | i64::from(*byte));
    milliseconds << 12 | i64::from(bytes[11] & 0xf) << 8 | i64::from(bytes[12])
}

/// Makes a new task findable by its words.
pub(in crate::tasks) fn index(cx: &mut Context<'_, '_>, task: &Task, texts: &tasks_store::Texts) -> Result<()> {
    let words = Texts { title: &texts.title, description: &texts.description, tags: parse_tags(&texts.tags)? };
    add(cx, task.id, &words)
}

fn add(cx: &mut Context<'_, '_>, id: TaskId, texts: &Texts<'_>) -> Result<()> {
    let words: Vec<String> = words_of(texts).into_iter().collect();
    store::index(cx, number(id), id, &words.join(" "))
}

/// A task that takes no more workers is not found any more.
pub(in crate::tasks) fn forget(cx: &mut Context<'_, '_>, id: TaskId) -> Result<()> {
    store::forget(cx, number(id))
}

/// Makes the index of a database that was imported, where it is empty: one step after the task `after`. Answers the last
/// task of the step, or nothing when all are there.
pub fn index_next(cx: &mut Context<'_, '_>, after: TaskId) -> Result<Option<TaskId>> {
    let tasks = store::to_index(cx, after, CHUNK)?;
    for task in &tasks {
        let texts = Texts { title: &task.title, description: &task.description, tags: parse_tags(&task.tags)? };
        add(cx, task.id, &texts)?;
    }
    Ok(tasks.last().map(|task| task.id))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_of_a_task_grows_with_the_millisecond_and_the_call() {
        let id = |milliseconds: u64, serial: u32| {
            let mut tail = [0xff; 10];
            tail[3..7].copy_from_slice(&serial.to_be_bytes());
            TaskId(uuid::Builder::from_unix_timestamp_millis(milliseconds, &tail).into_uuid())
        };
        assert_eq!(number(id(1, 5)), 1 << 12 | 5);
        assert_eq!(number(id(1_795_000_000_000, 0x1234)), 1_795_000_000_000 << 12 | 0x234);
        assert!(number(id(1, 0xfff)) < number(id(2, 0x1000)));
    }
}
