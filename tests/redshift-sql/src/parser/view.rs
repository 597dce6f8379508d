//! Views, materialized views, external schemas, procedures and functions (the guide's pages of these commands).

use super::{Parsed, Parser};
use crate::ast::{Query, QueryBody};
use crate::error::SqlError;
use crate::lexer::Kind;
use crate::statement::{
    AlterMaterializedView, AlterProcedure, Argument, ArgumentMode, ArgumentType, CreateExternalSchema, CreateFunction,
    CreateMaterializedView, CreateProcedure, CreateView, Statement, StreamAuthentication, StreamSource,
    TableAttributes,
};

/// "Security and privileges for stored procedures", limits.
const MAX_ARGUMENTS: usize = 32;

const NO_PYTHON: &str = "Redshift no longer accepts new Python functions (plpythonu)";

impl Parser<'_> {
    /// A query and its text.
    fn query_with_text(&mut self) -> Parsed<(Query, String)> {
        let start = self.position();
        let query = self.query_or_parenthesised()?;
        Ok((query, self.text[start..self.previous_end()].to_owned()))
    }

    pub(super) fn create_view(&mut self, or_replace: bool) -> Parsed<Statement> {
        self.expect_word("VIEW")?;
        let name = self.object_name()?;
        let columns = if self.is_symbol("(") { self.name_list()? } else { Vec::new() };
        self.expect_word("AS")?;
        let (query, query_text) = self.query_with_text()?;
        let no_schema_binding = self.eat_words(&["WITH", "NO", "SCHEMA", "BINDING"]);
        Ok(Statement::CreateView(CreateView { name, or_replace, columns, query, query_text, no_schema_binding }))
    }

    pub(super) fn create_materialized_view(&mut self) -> Parsed<Statement> {
        self.expect_words(&["MATERIALIZED", "VIEW"])?;
        if self.is_words(&["IF", "NOT", "EXISTS"]) {
            return self.refuse(SqlError::syntax(
                "syntax error at or near \"NOT\": CREATE MATERIALIZED VIEW takes no IF NOT EXISTS in Redshift",
            ));
        }
        let name = self.object_name()?;
        let attributes = self.table_attributes(TableAttributes::default())?;
        let mut auto_refresh = false;
        if self.eat_words(&["AUTO", "REFRESH"]) {
            auto_refresh = self.yes_or_no()?;
        }
        // The table attributes must come before AUTO REFRESH: anything but AS is a plain syntax error here.
        self.expect_word("AS")?;
        let (query, query_text) = self.query_with_text()?;
        self.check_materialized(&query)?;
        Ok(Statement::CreateMaterializedView(CreateMaterializedView {
            name,
            backup: attributes.backup,
            attributes,
            auto_refresh,
            query,
            query_text,
        }))
    }

    /// "CREATE MATERIALIZED VIEW", limitations that hold for every materialized view.
    fn check_materialized(&self, query: &Query) -> Parsed<()> {
        let banned = if !query.order_by.is_empty() {
            Some("ORDER BY")
        } else if query.limit.is_some() {
            Some("LIMIT")
        } else if query.offset.is_some() {
            Some("OFFSET")
        } else if matches!(&query.body, QueryBody::Select(s) if s.top.is_some()) {
            Some("TOP")
        } else {
            None
        };
        match banned {
            Some(clause) => self.refuse(SqlError::unsupported(format!(
                "{clause} is not supported in the definition of a materialized view"
            ))),
            None => Ok(()),
        }
    }

    pub(super) fn alter_materialized_view(&mut self) -> Parsed<Statement> {
        self.expect_words(&["MATERIALIZED", "VIEW"])?;
        let name = self.object_name()?;
        let action = if self.eat_words(&["AUTO", "REFRESH"]) {
            AlterMaterializedView::AutoRefresh(self.yes_or_no()?)
        } else if self.eat_words(&["ROW", "LEVEL", "SECURITY"]) {
            AlterMaterializedView::RowLevelSecurity(self.row_level_security()?)
        } else if self.eat_words(&["OWNER", "TO"]) {
            AlterMaterializedView::OwnerTo(self.name()?)
        } else {
            self.expect_word("ALTER")?;
            self.attribute_of_view()?
        };
        Ok(Statement::AlterMaterializedView { name, action })
    }

    pub(super) fn refresh(&mut self) -> Parsed<Statement> {
        self.expect_words(&["REFRESH", "MATERIALIZED", "VIEW"])?;
        if self.is_word("CONCURRENTLY") {
            return self.refuse(SqlError::syntax(
                "syntax error at or near \"CONCURRENTLY\": REFRESH takes no CONCURRENTLY in Redshift",
            ));
        }
        let name = self.object_name()?;
        let cascade = self.cascade();
        Ok(Statement::RefreshMaterializedView { name, cascade })
    }

    pub(super) fn create_external_schema(&mut self) -> Parsed<Statement> {
        self.expect_words(&["EXTERNAL", "SCHEMA"])?;
        let if_not_exists = self.if_not_exists();
        let name = self.name()?;
        self.expect_word("FROM")?;
        let source = match self.keyword().as_deref() {
            Some("KAFKA") => StreamSource::Kafka,
            Some("MSK") => StreamSource::Msk,
            Some("KINESIS") => StreamSource::Kinesis,
            Some(other @ ("DATA" | "HIVE" | "POSTGRES" | "MYSQL" | "REDSHIFT")) => {
                let construct = format!("CREATE EXTERNAL SCHEMA … FROM {other}");
                return self.refuse(SqlError::not_in_stand_in(&construct));
            }
            _ => return Err(self.unexpected()),
        };
        self.advance();
        let mut schema = CreateExternalSchema {
            name,
            if_not_exists,
            source,
            iam_role: None,
            uri: None,
            cluster_arn: None,
            authentication: StreamAuthentication::None,
            credential_arn: None,
        };
        let mut authentication = None;
        loop {
            if self.eat_word("IAM_ROLE") {
                schema.iam_role = Some(if self.eat_word("DEFAULT") { "default".to_owned() } else { self.string()? });
            } else if self.eat_word("REGION") {
                self.string()?;
            } else if self.eat_word("URI") {
                schema.uri = Some(self.string()?);
            } else if self.eat_word("CLUSTER_ARN") {
                schema.cluster_arn = Some(self.string()?);
            } else if self.eat_word("AUTHENTICATION") {
                let word = match self.kind() {
                    Kind::Text(t) => t.to_ascii_uppercase(),
                    Kind::Word(w) => w.to_ascii_uppercase(),
                    _ => return Err(self.unexpected()),
                };
                authentication = Some(match word.as_str() {
                    "NONE" => StreamAuthentication::None,
                    "IAM" => StreamAuthentication::Iam,
                    "MTLS" => StreamAuthentication::Mtls,
                    _ => return Err(self.unexpected()),
                });
                self.advance();
            } else if self.eat_word("AUTHENTICATION_ARN") || self.eat_word("SECRET_ARN") {
                schema.credential_arn = Some(self.string()?);
            } else {
                break;
            }
        }
        if source == StreamSource::Kinesis {
            return self.kinesis_schema(schema, authentication.is_some());
        }
        let Some(authentication) = authentication else {
            return self.refuse(SqlError::syntax(format!(
                "CREATE EXTERNAL SCHEMA \"{}\" needs AUTHENTICATION none, iam or mtls",
                schema.name
            )));
        };
        schema.authentication = authentication;
        self.check_external_schema(&schema)?;
        Ok(Statement::CreateExternalSchema(schema))
    }

    /// "Getting started with streaming ingestion from Amazon Kinesis Data Streams": a role and nothing else.
    fn kinesis_schema(&self, schema: CreateExternalSchema, authentication: bool) -> Parsed<Statement> {
        let name = &schema.name;
        let problem = if schema.iam_role.is_none() {
            "needs an IAM_ROLE"
        } else if authentication || schema.uri.is_some() || schema.cluster_arn.is_some() {
            "takes no URI, CLUSTER_ARN or AUTHENTICATION with FROM KINESIS"
        } else {
            return Ok(Statement::CreateExternalSchema(schema));
        };
        self.refuse(SqlError::new("22023", format!("CREATE EXTERNAL SCHEMA \"{name}\" {problem}")))
    }

    /// "Getting started with streaming ingestion from Apache Kafka sources".
    fn check_external_schema(&self, schema: &CreateExternalSchema) -> Parsed<()> {
        let name = &schema.name;
        let problem = match (schema.source, &schema.uri, &schema.cluster_arn) {
            (_, None, None) => Some("needs a URI with its bootstrap brokers"),
            (_, Some(_), Some(_)) => Some("takes either URI or CLUSTER_ARN, not both"),
            (StreamSource::Kafka, None, Some(_)) => {
                Some("takes CLUSTER_ARN only with FROM MSK; FROM KAFKA needs a URI")
            }
            _ if schema.authentication != StreamAuthentication::None && schema.iam_role.is_none() => {
                Some("needs an IAM_ROLE for AUTHENTICATION iam and mtls")
            }
            _ if schema.authentication == StreamAuthentication::Mtls && schema.credential_arn.is_none() => {
                Some("needs AUTHENTICATION_ARN or SECRET_ARN for AUTHENTICATION mtls")
            }
            _ => None,
        };
        match problem {
            Some(problem) => {
                self.refuse(SqlError::new("22023", format!("CREATE EXTERNAL SCHEMA \"{name}\" {problem}")))
            }
            None => Ok(()),
        }
    }

    /// `(type, …)` of a routine; names and modes are allowed and dropped, OUT arguments left out.
    pub(super) fn signature(&mut self) -> Parsed<Option<Vec<ArgumentType>>> {
        if !self.is_symbol("(") {
            return Ok(None);
        }
        let arguments = self.arguments()?;
        Ok(Some(arguments.into_iter().filter(|a| a.mode != ArgumentMode::Out).map(|a| a.arg_type).collect()))
    }

    fn mode(&mut self) -> Option<ArgumentMode> {
        let mode = match self.keyword().as_deref() {
            Some("IN") => ArgumentMode::In,
            Some("OUT") => ArgumentMode::Out,
            Some("INOUT") => ArgumentMode::InOut,
            _ => return None,
        };
        self.advance();
        Some(mode)
    }

    /// An argument is `[name] [mode] type` or `[mode] [name] type`.
    fn argument(&mut self) -> Parsed<Argument> {
        let mut mode = self.mode();
        let start = self.at;
        // A type alone, unless a name precedes it.
        let name = if self.is_name() {
            let name = self.name()?;
            let alone = self.is_symbol(",")
                || self.is_symbol(")")
                || self.is_symbol("(")
                || self.is_word("PRECISION")
                || self.is_word("VARYING");
            let zone = self.is_words(&["WITH", "TIME", "ZONE"]) || self.is_words(&["WITHOUT", "TIME", "ZONE"]);
            if !alone && !zone {
                Some(name)
            } else {
                self.at = start;
                None
            }
        } else {
            None
        };
        if mode.is_none() {
            mode = self.mode();
        }
        let arg_type = self.argument_type()?;
        if self.is_word("DEFAULT") || self.is_symbol("=") || self.is_symbol(":=") {
            return self.refuse(SqlError::unsupported("default values of arguments are not supported by Redshift"));
        }
        Ok(Argument { mode: mode.unwrap_or(ArgumentMode::In), name, arg_type })
    }

    fn arguments(&mut self) -> Parsed<Vec<Argument>> {
        self.expect_symbol("(")?;
        if self.eat_symbol(")") {
            return Ok(Vec::new());
        }
        let list = self.comma_list(Self::argument)?;
        self.expect_symbol(")")?;
        Ok(list)
    }

    pub(super) fn create_procedure(&mut self, or_replace: bool) -> Parsed<Statement> {
        self.expect_word("PROCEDURE")?;
        let name = self.object_name()?;
        let arguments = self.arguments()?;
        let inputs = arguments.iter().filter(|a| a.mode != ArgumentMode::Out).count();
        if inputs > MAX_ARGUMENTS || arguments.len() - inputs > MAX_ARGUMENTS {
            return self.refuse(SqlError::new(
                "54023",
                format!("procedures cannot have more than {MAX_ARGUMENTS} input or output arguments"),
            ));
        }
        let mut procedure = CreateProcedure {
            name,
            or_replace,
            arguments,
            nonatomic: false,
            security_definer: false,
            set: Vec::new(),
            body: String::new(),
        };
        let (mut body, mut language) = (None, false);
        loop {
            if self.eat_word("NONATOMIC") {
                procedure.nonatomic = true;
            } else if self.eat_word("AS") {
                if body.is_some() {
                    return Err(self.unexpected());
                }
                body = Some(self.string()?);
            } else if self.eat_word("LANGUAGE") {
                let name = self.label()?;
                if name != "plpgsql" {
                    return self.refuse(SqlError::unsupported(format!(
                        "language \"{name}\" is not supported for stored procedures: use plpgsql"
                    )));
                }
                language = true;
            } else if self.eat_word("SECURITY") {
                procedure.security_definer = if self.eat_word("DEFINER") {
                    true
                } else {
                    self.expect_word("INVOKER")?;
                    false
                };
            } else if self.eat_word("SET") {
                procedure.set.push(self.configuration()?);
            } else {
                break;
            }
        }
        let Some(body) = body else {
            return Err(self.unexpected());
        };
        if !language {
            return self.refuse(SqlError::syntax("no language specified"));
        }
        procedure.body = body;
        // "CREATE PROCEDURE": NONATOMIC goes with neither SECURITY DEFINER nor SET.
        if procedure.nonatomic && (procedure.security_definer || !procedure.set.is_empty()) {
            return self
                .refuse(SqlError::unsupported("a NONATOMIC procedure can have neither SECURITY DEFINER nor SET"));
        }
        crate::parser::parse_body(&procedure.body, procedure.nonatomic, &self.settings)?;
        Ok(Statement::CreateProcedure(procedure))
    }

    pub(super) fn alter_procedure(&mut self) -> Parsed<Statement> {
        self.expect_word("PROCEDURE")?;
        let name = self.object_name()?;
        let arguments = match self.signature()? {
            None => None,
            Some(list) => Some(
                list.into_iter()
                    .map(|a| match a {
                        ArgumentType::Scalar(t) => Ok(t),
                        ArgumentType::RefCursor => {
                            Err(SqlError::not_in_stand_in("ALTER PROCEDURE with a refcursor argument"))
                        }
                    })
                    .collect::<Parsed<_>>()?,
            ),
        };
        let action = if self.eat_words(&["RENAME", "TO"]) {
            AlterProcedure::RenameTo(self.name()?)
        } else {
            self.expect_words(&["OWNER", "TO"])?;
            AlterProcedure::OwnerTo(self.name()?)
        };
        Ok(Statement::AlterProcedure { name, arguments, action })
    }

    pub(super) fn create_function(&mut self, or_replace: bool) -> Parsed<Statement> {
        self.expect_word("FUNCTION")?;
        let name = self.object_name()?;
        let mut arguments = Vec::new();
        for argument in self.arguments()? {
            match (argument.mode, argument.name, argument.arg_type) {
                (ArgumentMode::In, None, ArgumentType::Scalar(rs_type)) => arguments.push(rs_type),
                (ArgumentMode::In, Some(_), _) if (0..self.tokens.len()).any(|n| self.is_word_at(n, "PLPYTHONU")) => {
                    return self.refuse(SqlError::unsupported(NO_PYTHON));
                }
                (ArgumentMode::In, Some(_), _) => {
                    return self.refuse(SqlError::unsupported(
                        "arguments of a SQL function have no names: use their types and $1, $2, …",
                    ));
                }
                _ => {
                    return self
                        .refuse(SqlError::unsupported("arguments of a SQL function are IN arguments of scalar types"));
                }
            }
        }
        self.expect_word("RETURNS")?;
        let returns = self.data_type()?;
        let volatility = match self.keyword().as_deref() {
            Some("VOLATILE") => "VOLATILE",
            Some("STABLE") => "STABLE",
            Some("IMMUTABLE") => "IMMUTABLE",
            _ => return Err(self.unexpected()),
        };
        self.advance();
        self.expect_word("AS")?;
        let body_text = self.string()?;
        self.expect_word("LANGUAGE")?;
        let language = self.label()?;
        match language.as_str() {
            "sql" => {}
            "plpythonu" => {
                return self.refuse(SqlError::unsupported(NO_PYTHON));
            }
            other => {
                return self.refuse(SqlError::unsupported(format!(
                    "language \"{other}\" is not supported for functions: use sql"
                )));
            }
        }
        let body = self.function_body(&body_text)?;
        Ok(Statement::CreateFunction(CreateFunction {
            name,
            or_replace,
            arguments,
            returns,
            volatility,
            body,
            body_text,
        }))
    }

    /// "CREATE FUNCTION", SQL clause: a SELECT without FROM, INTO, WHERE, GROUP BY, ORDER BY, LIMIT, and of one column.
    fn function_body(&self, text: &str) -> Parsed<Query> {
        let mut parser = Parser::new(text, &self.settings)?;
        let query = parser.query()?;
        parser.eat_symbol(";");
        if !parser.at_end() {
            return Err(parser.unexpected());
        }
        let plain =
            query.with.is_empty() && query.order_by.is_empty() && query.limit.is_none() && query.offset.is_none();
        let bare = matches!(&query.body, QueryBody::Select(s) if s.from.is_empty() && s.into.is_none()
            && s.selection.is_none() && s.group_by.is_empty() && s.having.is_none() && s.qualify.is_none()
            && s.items.len() == 1);
        if plain && bare {
            Ok(query)
        } else {
            Err(SqlError::unsupported(
                "the body of a SQL function is a single SELECT of one expression without FROM, WHERE, GROUP BY, ORDER BY or LIMIT",
            ))
        }
    }
}
