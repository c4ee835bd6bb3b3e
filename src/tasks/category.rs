//! The list of categories.

use garde::Validate;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use crate::base::{Context, Result};

/// One category.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
pub struct Category {
    /// As in `category` fields.
    id: &'static str,
    /// As people read it.
    label: &'static str,
    /// What belongs there.
    description: &'static str,
}

const fn category(id: &'static str, label: &'static str, description: &'static str) -> Category {
    Category { id, label, description }
}

const CATEGORIES: [Category; 17] = [
    category("social", "Social media", "Follow, post, comment, share: things done with an account of one's own."),
    category("content", "Content", "Pictures, videos, posts and pages made to order."),
    category("writing", "Writing", "Texts: articles, product descriptions, summaries, editing."),
    category("translation", "Translation", "From one language into another, or checking one that exists."),
    category("transcription", "Transcription", "Speech or handwriting turned into text."),
    category("research", "Research", "Finding, comparing and checking facts."),
    category("data_entry", "Data entry", "Typing, copying and tidying of data."),
    category("data_labeling", "Data labelling", "Tags, boxes and judgements for training and evaluation."),
    category("testing", "Testing", "Trying a site, an app or a model and telling what happened."),
    category("design", "Design", "Logos, layouts, interfaces, graphics."),
    category("photo_video", "Photo and video", "Taking or editing pictures and films."),
    category("coding", "Coding", "Programs, scripts, fixes, reviews of code."),
    category("survey", "Survey", "Answers to questions, opinions, interviews."),
    category("verification", "Verification", "Looking whether something is as it is said to be."),
    category("physical", "On site", "Something done in the real world: go, look, fetch, deliver."),
    category("agent_service", "Agent service", "What a program does for others: an API call, a run, a report."),
    category("other", "Other", "What fits nowhere else."),
];

/// The list.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Categories {
    /// In the order in which they are shown.
    items: Vec<Category>,
}

/// Nothing to say.
#[derive(Debug, Deserialize, Validate, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ListCategories {}

/// The ids, for the schemas of inputs.
pub(super) fn ids(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "string", "enum": CATEGORIES.map(|category| category.id) })
}

/// Whether there is such a category.
pub fn exists(id: &str) -> bool {
    CATEGORIES.iter().any(|category| category.id == id)
}

#[expect(clippy::unnecessary_wraps, reason = "the shape of every operation")]
pub(super) fn list_categories(_: &mut Context<'_, '_>, _: &ListCategories) -> Result<Categories> {
    Ok(Categories { items: CATEGORIES.to_vec() })
}
