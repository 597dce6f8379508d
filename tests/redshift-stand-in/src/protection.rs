//! Which policies of row-level security and data masking apply to whom.
//!
//! Read with the snapshot; the front end puts them in place. Invariant: whoever is not exempt and has no policy on a relation with
//! row-level security sees none of its rows (Redshift Database Developer Guide, "Row-level security end-to-end example").

use std::collections::{HashMap, HashSet};

use redshift_sql::{Mask, Protection, RowFilter};
use serde_json::Value as Json;

use crate::catalog::{Entry, type_from_text};

/// The role whose members manage policies, and are exempt from those of rows.
pub(crate) const SECURITY_ADMIN: &str = "sys:secadmin";

/// All policies of a database in force.
#[derive(Debug, Default)]
pub(crate) struct Protections {
    attachments: Vec<Json>,
    /// Relations with row-level security, and whether one policy is enough.
    rows: HashMap<u32, bool>,
    exempt: HashSet<(String, String)>,
    superusers: HashSet<String>,
    /// What each PostgreSQL role is a member of.
    members: HashMap<String, Vec<String>>,
    /// Views over protected relations.
    views: HashMap<u32, Vec<u32>>,
}

fn list(value: &Json) -> impl Iterator<Item = &Json> {
    value.as_array().into_iter().flatten()
}

fn text(value: &Json) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn number(value: &Json) -> u32 {
    value
        .as_u64()
        .and_then(|n| u32::try_from(n).ok())
        .or_else(|| value.as_str().and_then(|n| n.parse().ok()))
        .unwrap_or(0)
}

impl Protections {
    pub(crate) fn read(text_of_all: &str) -> Self {
        let all: Json = serde_json::from_str(text_of_all).unwrap_or_default();
        let mut members: HashMap<String, Vec<String>> = HashMap::new();
        for pair in list(&all["members"]) {
            members.entry(text(&pair[0])).or_default().push(text(&pair[1]));
        }
        let mut views: HashMap<u32, Vec<u32>> = HashMap::new();
        for pair in list(&all["views"]) {
            views.entry(number(&pair[0])).or_default().push(number(&pair[1]));
        }
        Self {
            attachments: list(&all["attachments"]).cloned().collect(),
            rows: list(&all["rows"]).map(|r| (number(&r["relation"]), r["any"] == true)).collect(),
            exempt: list(&all["exempt"]).map(|e| (text(&e["type"]), text(&e["grantee"]))).collect(),
            superusers: list(&all["superusers"]).map(text).collect(),
            members,
            views,
        }
    }

    /// Whom a policy for the user may be attached to: the user, PUBLIC, the user's roles and theirs.
    fn grantees(&self, user: &str) -> HashSet<(String, String)> {
        let mut found =
            HashSet::from([("user".to_owned(), user.to_owned()), ("public".to_owned(), "public".to_owned())]);
        let mut open = vec![user.to_owned()];
        while let Some(member) = open.pop() {
            for role in self.members.get(&member).into_iter().flatten() {
                if let Some(name) = role.strip_prefix("role:")
                    && found.insert(("role".to_owned(), name.to_owned()))
                {
                    open.push(role.clone());
                }
            }
        }
        found
    }

    /// What applies to a user who reads or changes the relation.
    pub(crate) fn of(&self, user: &str, entry: &Entry) -> Option<Protection> {
        if let Some(below) = self.views.get(&entry.oid) {
            let hit = below.iter().any(|oid| self.on(user, *oid).is_some());
            return hit.then(|| Protection {
                refused: Some(format!(
                    "a query of view \"{}\", whose tables have policies for this user,",
                    entry.relation.name
                )),
                ..Protection::default()
            });
        }
        self.on(user, entry.oid)
    }

    fn on(&self, user: &str, oid: u32) -> Option<Protection> {
        let grantees = self.grantees(user);
        let mine = |masking: bool| {
            let grantees = &grantees;
            self.attachments.iter().filter(move |a| {
                a["masking"] == masking
                    && number(&a["relation"]) == oid
                    && grantees.contains(&(text(&a["type"]), text(&a["grantee"])))
            })
        };
        let mut protection = Protection::default();
        let ignores = self.superusers.contains(user)
            || grantees.contains(&("role".to_owned(), SECURITY_ADMIN.to_owned()))
            || grantees.iter().any(|grantee| self.exempt.contains(grantee));
        if let Some(any) = self.rows.get(&oid)
            && !ignores
        {
            let predicates: Vec<String> = mine(false).map(|a| text(&a["using"])).collect();
            protection.alias = mine(false).find_map(|a| a["alias"].as_str().map(str::to_owned));
            protection.rows = Some(RowFilter { any: *any, predicates });
        }
        // The highest priority comes first.
        for attachment in mine(true) {
            let outputs: Vec<String> = list(&attachment["outputs"]).map(text).collect();
            for (place, column) in outputs.into_iter().enumerate() {
                if protection.masks.iter().any(|mask| mask.column == column) {
                    continue;
                }
                let inputs = list(&attachment["columns"])
                    .zip(list(&attachment["inputs"]))
                    .map(|(parameter, column)| {
                        (text(&parameter["name"]), type_from_text(&text(&parameter["type"])), text(column))
                    })
                    .collect();
                protection.masks.push(Mask { column, using: text(&attachment["using"]), place, inputs });
            }
        }
        (protection.rows.is_some() || !protection.masks.is_empty()).then_some(protection)
    }
}
