//! Aggregates and window functions.

use super::{big, boolean, double, int, no_function, super_value, text};
use crate::ast::{Call, Expr, OrderItem, Window};
use crate::error::SqlError;
use crate::rewrite::scope::Scope;
use crate::rewrite::{Rewriter, Typed};
use crate::types::{MAX_VARCHAR, RsType};

pub(super) const WINDOW_ONLY: &[&str] = &[
    "row_number",
    "rank",
    "dense_rank",
    "percent_rank",
    "cume_dist",
    "ntile",
    "lag",
    "lead",
    "first_value",
    "last_value",
    "nth_value",
    "ratio_to_report",
];

pub(super) const AGGREGATES: &[&str] = &[
    "count",
    "sum",
    "min",
    "max",
    "avg",
    "any_value",
    "listagg",
    "median",
    "stddev",
    "stddev_samp",
    "stddev_pop",
    "variance",
    "var_samp",
    "var_pop",
    "bool_and",
    "bool_or",
    "bit_and",
    "bit_or",
    "percentile_cont",
    "percentile_disc",
    "grouping",
    "grouping_id",
];

/// GROUPING and GROUPING_ID ("Aggregation extensions").
fn grouping(call: &Call, args: &[Typed]) -> Result<Typed, SqlError> {
    if args.is_empty() || call.over.is_some() {
        return Err(no_function(call, args));
    }
    let key = |arg: &Typed| if arg.ty.is_character() { format!("({})::bpchar", arg.sql) } else { arg.sql.clone() };
    Ok(int(format!("grouping({})", args.iter().map(key).collect::<Vec<_>>().join(", "))))
}

/// True if an aggregate is computed in the expression, outside of windows and subqueries.
pub(in crate::rewrite) fn has_aggregate(expr: &Expr) -> bool {
    let is_aggregate = |e: &Expr| matches!(e, Expr::Call(call) if call.over.is_none() && AGGREGATES.contains(&call.name.name.as_str()));
    expr.any(&is_aggregate)
}

impl Rewriter<'_> {
    fn order_list(&mut self, items: &[OrderItem], scope: &Scope<'_>) -> Result<String, SqlError> {
        let mut out = Vec::new();
        for item in items {
            let value = self.expr(&item.expr, scope)?;
            let down = if item.descending { " DESC" } else { "" };
            let nulls = match item.nulls_first {
                Some(true) => " NULLS FIRST",
                Some(false) => " NULLS LAST",
                None => "",
            };
            // Trailing blanks do not count ("Character types").
            let blanks = if value.ty.is_character() { "::bpchar" } else { "" };
            out.push(format!("({}){blanks}{down}{nulls}", self.settled(&value)));
        }
        Ok(out.join(", "))
    }

    fn over(&mut self, window: &Window, scope: &Scope<'_>) -> Result<String, SqlError> {
        let mut parts = Vec::new();
        if !window.partition_by.is_empty() {
            let mut list = Vec::new();
            for expr in &window.partition_by {
                let value = self.expr(expr, scope)?;
                list.push(if value.ty.is_character() {
                    format!("({})::bpchar", value.sql)
                } else {
                    self.settled(&value)
                });
            }
            parts.push(format!("PARTITION BY {}", list.join(", ")));
        }
        if !window.order_by.is_empty() {
            parts.push(format!("ORDER BY {}", self.order_list(&window.order_by, scope)?));
        }
        parts.extend(window.frame.clone());
        Ok(format!(" OVER ({})", parts.join(" ")))
    }

    /// Aggregates and window functions ("Aggregate functions", "Window functions").
    pub(super) fn aggregate(&mut self, call: &Call, scope: &Scope<'_>) -> Result<Typed, SqlError> {
        let name = call.name.name.as_str();
        if WINDOW_ONLY.contains(&name) && call.over.is_none() {
            return Err(SqlError::new("42809", format!("window function {name} requires an OVER clause")));
        }
        self.check_window(call)?;
        let over = match &call.over {
            Some(window) => self.over(window, scope)?,
            None => String::new(),
        };
        // What is aggregated are the values, not the one that stands for its group.
        let keys = if call.over.is_none() { std::mem::take(&mut self.group_keys) } else { Vec::new() };
        let result = self.aggregated(call, &over, scope);
        if call.over.is_none() {
            self.group_keys = keys;
        }
        result
    }

    fn aggregated(&mut self, call: &Call, over: &str, scope: &Scope<'_>) -> Result<Typed, SqlError> {
        let name = call.name.name.as_str();
        let mut args = Vec::new();
        for arg in &call.args {
            args.push(self.expr(arg, scope)?);
        }
        if matches!(name, "grouping" | "grouping_id") {
            return grouping(call, &args);
        }
        if call.star {
            if name != "count" {
                return Err(SqlError::syntax(format!("{name}(*) is not valid: only COUNT takes *")));
            }
            return Ok(big(format!("count(*){over}")));
        }
        if call.approximate && !(name == "count" && call.distinct) && name != "percentile_disc" {
            return Err(SqlError::syntax("APPROXIMATE goes with COUNT(DISTINCT …) and PERCENTILE_DISC"));
        }
        let distinct = if call.distinct { "DISTINCT " } else { "" };
        if matches!(name, "percentile_cont" | "percentile_disc") {
            return self.percentile(call, &args, over, scope);
        }
        if name == "listagg" {
            return self.listagg(call, &args, over, scope);
        }
        if let Some(value) = self.window_only(call, &args, over)? {
            return Ok(value);
        }
        let [arg] = args.as_slice() else {
            return Err(no_function(call, &args));
        };
        let settled = self.settled(arg);
        let number = |rewriter: &Self| rewriter.numeric(arg);
        Ok(match name {
            "count" => {
                // A JSON null is NULL, and trailing blanks do not make values distinct.
                let sql = match &arg.ty {
                    RsType::Super => self.super_or_null(&settled),
                    t if t.is_character() && call.distinct => format!("({settled})::bpchar"),
                    _ => settled,
                };
                big(format!("count({distinct}{sql}){over}"))
            }
            "sum" | "avg" if arg.ty == RsType::Super => {
                super_value(format!("to_jsonb(trim_scale({name}({distinct}rs.super_number({settled})){over}))"))
            }
            "sum" => {
                let v = number(self)?;
                let (pg, ty) = match v.ty {
                    ref t if t.is_integer() => ("bigint".to_owned(), RsType::BigInt),
                    RsType::Decimal(_, s) => (format!("numeric(38,{s})"), RsType::Decimal(38, s)),
                    _ => ("double precision".to_owned(), RsType::Double),
                };
                let inner = if ty == RsType::Double { format!("({})::double precision", v.sql) } else { v.sql };
                Typed::new(format!("(sum({distinct}{inner}){over})::{pg}"), ty)
            }
            "avg" => {
                let v = number(self)?;
                match v.ty {
                    // "BIGINT for any integer type argument".
                    ref t if t.is_integer() => big(format!("trunc(avg({distinct}{}){over})::bigint", v.sql)),
                    RsType::Decimal(_, s) => Typed::new(
                        format!("trunc(avg({distinct}{}){over}, {s})::numeric(38,{s})", v.sql),
                        RsType::Decimal(38, s),
                    ),
                    _ => double(format!("avg({distinct}({})::double precision){over}", v.sql)),
                }
            }
            "min" | "max" => match arg.ty {
                RsType::Super if over.is_empty() => {
                    let down = if name == "max" { " DESC" } else { "" };
                    let known = self.super_or_null(&settled);
                    super_value(format!("(array_agg({known} ORDER BY {known}{down} NULLS LAST))[1]"))
                }
                RsType::Super => {
                    return Err(SqlError::not_in_stand_in("MIN and MAX of SUPER values as window functions"));
                }
                RsType::Boolean => return Err(no_function(call, &args)),
                RsType::Varbyte(_) => return Err(SqlError::not_in_stand_in("MIN and MAX of VARBYTE values")),
                ref ty => {
                    let ty = ty.clone();
                    let suffix =
                        if let RsType::Decimal(p, s) = ty { format!("::numeric({p},{s})") } else { String::new() };
                    Typed::new(format!("({name}({settled}){over}){suffix}"), ty)
                }
            },
            "any_value" => {
                // Any value will do: the first that comes.
                Typed::new(format!("(array_agg({settled}){over})[1]"), arg.ty.clone())
            }
            "median" => {
                let v = number(self)?;
                if !over.is_empty() {
                    return Ok(double(format!(
                        "rs.percentile_cont(array_agg(({})::double precision){over}, 0.5)",
                        v.sql
                    )));
                }
                double(format!("percentile_cont(0.5) WITHIN GROUP (ORDER BY ({})::double precision)", v.sql))
            }
            "stddev" | "stddev_samp" | "stddev_pop" | "variance" | "var_samp" | "var_pop" => {
                let v = number(self)?;
                double(format!("({name}({distinct}({})::double precision){over})", v.sql))
            }
            "bool_and" | "bool_or" => {
                let condition = self.condition(arg)?;
                boolean(format!("{name}({condition}){over}"))
            }
            "bit_and" | "bit_or" if arg.ty.is_integer() => {
                Typed::new(format!("{name}({settled}){over}"), arg.ty.clone())
            }
            _ => return Err(no_function(call, &args)),
        })
    }

    /// "Window function syntax summary": an aggregate with ORDER BY needs an explicit frame.
    fn check_window(&self, call: &Call) -> Result<(), SqlError> {
        let Some(window) = &call.over else {
            return Ok(());
        };
        let name = call.name.name.as_str();
        if call.distinct && name != "listagg" {
            return Err(SqlError::unsupported("DISTINCT is not supported in window functions"));
        }
        let needs_frame = AGGREGATES.contains(&name) && name != "listagg"
            || matches!(name, "first_value" | "last_value" | "nth_value");
        if needs_frame && !window.order_by.is_empty() && window.frame.is_none() {
            return Err(SqlError::unsupported(
                "Aggregate window functions with an ORDER BY clause require a frame clause",
            ));
        }
        let no_frame = matches!(
            name,
            "row_number" | "rank" | "dense_rank" | "percent_rank" | "cume_dist" | "ntile" | "lag" | "lead"
        );
        if no_frame && window.frame.is_some() {
            return Err(SqlError::unsupported(format!("the window function {name} takes no frame clause")));
        }
        let needs_order = matches!(name, "ntile" | "lag" | "lead" | "cume_dist" | "percent_rank");
        if needs_order && window.order_by.is_empty() {
            return Err(SqlError::unsupported(format!("the window function {name} requires an ORDER BY clause")));
        }
        Ok(())
    }

    fn window_only(&mut self, call: &Call, args: &[Typed], over: &str) -> Result<Option<Typed>, SqlError> {
        let name = call.name.name.as_str();
        let ignore = call.ignore_nulls == Some(true);
        Ok(Some(match (name, args) {
            ("row_number" | "rank" | "dense_rank", []) => big(format!("{name}(){over}")),
            ("percent_rank" | "cume_dist", []) => double(format!("{name}(){over}")),
            ("ntile", [n]) => big(format!("ntile({}){over}::bigint", self.whole(n)?)),
            ("lag" | "lead", [value, rest @ ..]) if rest.len() <= 2 => {
                let settled = self.settled(value);
                if ignore {
                    return self.known_neighbour(call, value, &settled, rest, over).map(Some);
                }
                let mut list = vec![settled];
                if let Some(offset) = rest.first() {
                    list.push(self.whole(offset)?);
                }
                if let Some(default) = rest.get(1) {
                    list.push(self.cast(default, &value.ty)?);
                }
                Typed::new(format!("{name}({}){over}", list.join(", ")), value.ty.clone())
            }
            ("first_value" | "last_value", [value]) => {
                let f = match (name, ignore) {
                    (plain, false) => plain,
                    ("first_value", true) => "rs.first_known",
                    _ => "rs.last_known",
                };
                Typed::new(format!("{f}({}){over}", self.settled(value)), value.ty.clone())
            }
            ("nth_value", [value, n]) if ignore => {
                let settled = self.settled(value);
                let known = format!("array_agg({settled}) FILTER (WHERE {settled} IS NOT NULL){over}");
                Typed::new(format!("({known})[{}]", self.whole(n)?), value.ty.clone())
            }
            ("nth_value", [value, n]) => {
                Typed::new(format!("nth_value({}, {}){over}", self.settled(value), self.whole(n)?), value.ty.clone())
            }
            ("ratio_to_report", [value]) => {
                let v = self.numeric(value)?;
                double(format!("(({v})::double precision / NULLIF(sum(({v})::double precision){over}, 0))", v = v.sql))
            }
            _ if WINDOW_ONLY.contains(&name) => return Err(no_function(call, args)),
            _ => return Ok(None),
        }))
    }

    /// LAG and LEAD with IGNORE NULLS: the n-th value that is not NULL before or behind the row.
    fn known_neighbour(
        &self,
        call: &Call,
        value: &Typed,
        settled: &str,
        rest: &[Typed],
        over: &str,
    ) -> Result<Typed, SqlError> {
        let Some(window) = over.strip_suffix(')') else {
            return Err(SqlError::new("42809", "LAG and LEAD need an OVER clause"));
        };
        let behind = call.name.name == "lead";
        let frame = if behind { "1 FOLLOWING AND UNBOUNDED FOLLOWING" } else { "UNBOUNDED PRECEDING AND 1 PRECEDING" };
        let window = format!("{window} ROWS BETWEEN {frame})");
        let n = rest.first().map_or(Ok("1".to_owned()), |n| self.whole(n))?;
        let sql = if n == "1" {
            let f = if behind { "rs.first_known" } else { "rs.last_known" };
            format!("{f}({settled}){window}")
        } else {
            let known = format!("(array_agg({settled}) FILTER (WHERE {settled} IS NOT NULL){window})");
            let index = if behind { n } else { format!("cardinality({known}) - ({n}) + 1") };
            format!("{known}[{index}]")
        };
        let sql = match rest.get(1) {
            Some(default) => format!("COALESCE({sql}, {})", self.cast(default, &value.ty)?),
            None => sql,
        };
        Ok(Typed::new(format!("({sql})"), value.ty.clone()))
    }

    fn percentile(&mut self, call: &Call, args: &[Typed], over: &str, scope: &Scope<'_>) -> Result<Typed, SqlError> {
        let ([fraction], [order]) = (args, call.within_group.as_slice()) else {
            return Err(no_function(call, args));
        };
        let value = self.expr(&order.expr, scope)?;
        let down = if order.descending { " DESC" } else { "" };
        let name = &call.name.name;
        let fraction = format!("({})::double precision", fraction.sql);
        if !over.is_empty() {
            // From the other end, if the order is descending.
            let fraction = if order.descending { format!("(1 - {fraction})") } else { fraction };
            return Ok(if name == "percentile_cont" {
                double(format!("rs.percentile_cont(array_agg(({})::double precision){over}, {fraction})", value.sql))
            } else {
                Typed::new(format!("rs.percentile_disc(array_agg({}){over}, {fraction})", value.sql), value.ty)
            });
        }
        Ok(if name == "percentile_cont" {
            double(format!(
                "percentile_cont({fraction}) WITHIN GROUP (ORDER BY ({})::double precision{down})",
                value.sql
            ))
        } else {
            Typed::new(format!("percentile_disc({fraction}) WITHIN GROUP (ORDER BY {}{down})", value.sql), value.ty)
        })
    }

    /// "LISTAGG function": at most 65,535 bytes.
    fn listagg(&mut self, call: &Call, args: &[Typed], over: &str, scope: &Scope<'_>) -> Result<Typed, SqlError> {
        let (value, separator) = match args {
            [value] => (self.text_of(value)?, "''".to_owned()),
            [value, separator] => (self.text_of(value)?, self.text_of(separator)?),
            _ => return Err(no_function(call, args)),
        };
        let order = if call.within_group.is_empty() {
            String::new()
        } else {
            format!(" ORDER BY {}", self.order_list(&call.within_group, scope)?)
        };
        if let Some(window) = over.strip_suffix(')') {
            // "LISTAGG window function": OVER holds PARTITION BY only, the order is that of WITHIN GROUP.
            if call.over.as_ref().is_some_and(|w| !w.order_by.is_empty() || w.frame.is_some()) {
                return Err(SqlError::unsupported("the window of LISTAGG takes PARTITION BY only"));
            }
            let window = format!("{window}{order} ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING)");
            let joined = if call.distinct {
                format!("rs.join_distinct(array_agg(({value})::text){window}, {separator})")
            } else {
                format!("string_agg(({value})::text, {separator}){window}")
            };
            return Ok(text(format!("rs.listagg_check({joined})"), MAX_VARCHAR));
        }
        // PostgreSQL orders a DISTINCT aggregate by its argument only.
        let joined = if call.distinct {
            format!("rs.join_distinct(array_agg(({value})::text{order}), {separator})")
        } else {
            format!("string_agg(({value})::text, {separator}{order})")
        };
        Ok(text(format!("rs.listagg_check({joined})"), MAX_VARCHAR))
    }
}
