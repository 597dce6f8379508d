//! Rewriter.
use crate::*;
pub(crate) fn statement(
    _s: &Statement,
    _c: &dyn Catalog,
    _t: &Settings,
    _v: &dyn Variables,
) -> Result<Translated, SqlError> {
    Err(SqlError::not_in_stand_in("rewriting"))
}
pub(crate) fn query_alone(
    _s: &Query,
    _c: &dyn Catalog,
    _t: &Settings,
    _v: &dyn Variables,
) -> Result<Translated, SqlError> {
    Err(SqlError::not_in_stand_in("rewriting"))
}
pub(crate) fn expressions(
    _e: &[&Expr],
    _t: &[Option<RsType>],
    _c: &dyn Catalog,
    _s: &Settings,
    _v: &dyn Variables,
) -> Result<Translated, SqlError> {
    Err(SqlError::not_in_stand_in("rewriting"))
}
pub(crate) fn check_streaming_view(_q: &Query, _c: &dyn Catalog) -> Result<Option<(String, String)>, SqlError> {
    Err(SqlError::not_in_stand_in("rewriting"))
}
