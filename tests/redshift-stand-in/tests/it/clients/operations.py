"""Every operation of the Redshift Data API through boto3 and through the AWS CLI, against the stand-in; faults on request, too.

Arguments: the database and the path of the AWS CLI. The endpoint is in AWS_ENDPOINT_URL_REDSHIFT_DATA.
"""

import datetime
import json
import os
import subprocess
import sys
import urllib.request

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

DATABASE, CLI = sys.argv[1], sys.argv[2]
WHERE = {"WorkgroupName": "workgroup", "Database": DATABASE}
ALL = {
    "BatchExecuteStatement", "CancelStatement", "DescribeStatement", "DescribeTable", "ExecuteStatement",
    "GetStatementResult", "GetStatementResultV2", "ListDatabases", "ListSchemas", "ListSessions", "ListStatements",
    "ListTables",
}


def expect(what, condition, seen=None):
    if not condition:
        raise SystemExit(f"{what}: {seen!r}")


def error_of(call, **arguments):
    try:
        call(**arguments)
    except ClientError as error:
        return error
    raise SystemExit(f"{call.__name__} should have failed with {arguments}")


def boto():
    """Typed results, statuses, sessions, batches, pages and error shapes."""
    client = boto3.client("redshift-data", region_name="us-east-1", config=Config(retries={"total_max_attempts": 1}))
    used = set()
    client.meta.events.register("provide-client-params.redshift-data", lambda model, **_: used.add(model.name))

    def done(started):
        answer = client.describe_statement(Id=started["Id"], WaitTimeSeconds=10)
        expect("the statement ends", answer["Status"] == "FINISHED", answer)
        return answer

    started = client.execute_statement(Sql="CREATE TABLE t (a BIGINT, b VARCHAR(20), c DECIMAL(5,2), d SUPER)", **WHERE)
    expect("created at", isinstance(started["CreatedAt"], datetime.datetime), started)
    described = done(started)
    expect("a command has no result", described["HasResultSet"] is False, described)
    expect("nanoseconds", described["Duration"] > 0, described)

    insert = "INSERT INTO t VALUES (:a, :b, 1.5, JSON_PARSE('{\"x\": 1}')), (2, NULL, 2, NULL)"
    parameters = [{"name": "a", "value": "1"}, {"name": "b", "value": "O'Neil"}]
    described = done(client.execute_statement(Sql=insert, Parameters=parameters, **WHERE))
    expect("rows affected", described["ResultRows"] == 2, described)
    expect("parameters are shown", described["QueryParameters"] == parameters, described)

    select = client.execute_statement(Sql="SELECT a, b, c, d, a > 1 AS e, a::float8 / 2 AS f FROM t ORDER BY a", **WHERE)
    described = done(select)
    expect("a result", described["HasResultSet"] and described["ResultRows"] == 2, described)
    result = client.get_statement_result(Id=select["Id"])
    expect("types of values", result["Records"] == [
        [{"longValue": 1}, {"stringValue": "O'Neil"}, {"stringValue": "1.50"}, {"stringValue": '{"x":1}'},
         {"booleanValue": False}, {"doubleValue": 0.5}],
        [{"longValue": 2}, {"isNull": True}, {"stringValue": "2.00"}, {"isNull": True},
         {"booleanValue": True}, {"doubleValue": 1.0}],
    ], result["Records"])
    expect("column names", [c["typeName"] for c in result["ColumnMetadata"]]
           == ["int8", "varchar", "numeric", "super", "bool", "float8"], result["ColumnMetadata"])
    expect("total", result["TotalNumRows"] == 2, result)

    csv = client.execute_statement(Sql="SELECT a, b FROM t ORDER BY a", ResultFormat="CSV", **WHERE)
    done(csv)
    text = "".join(r["CSVRecords"] for r in client.get_statement_result_v2(Id=csv["Id"])["Records"])
    expect("CSV", text.replace("\r\n", "\n").splitlines()[-2:] == ["1,O'Neil", "2,"], text)

    batch = client.batch_execute_statement(Sqls=["SELECT 1", "SELECT 'two'"], StatementName="pair", **WHERE)
    described = done(batch)
    expect("sub-statements", [s["Id"] for s in described["SubStatements"]]
           == [f"{batch['Id']}:1", f"{batch['Id']}:2"], described)
    second = client.get_statement_result(Id=f"{batch['Id']}:2")
    expect("a sub-statement's result", second["Records"] == [[{"stringValue": "two"}]], second)
    mixed = client.batch_execute_statement(
        Sqls=["INSERT INTO t VALUES (3, 'x', 0, NULL)", "SELECT 1/0", "SELECT 3"], ExecutionMode="AUTO_COMMIT", **WHERE)
    described = client.describe_statement(Id=mixed["Id"], WaitTimeSeconds=10)
    expect("AUTO_COMMIT goes on", [s["Status"] for s in described["SubStatements"]]
           == ["FINISHED", "FAILED", "FINISHED"], described)

    failed = client.execute_statement(Sql="SELECT * FROM nowhere", **WHERE)
    described = client.describe_statement(Id=failed["Id"], WaitTimeSeconds=10)
    expect("a failure", described["Status"] == "FAILED" and 'relation "nowhere" does not exist' in described["Error"], described)

    session = client.execute_statement(Sql="CREATE TEMP TABLE mine AS SELECT 7 AS n", SessionKeepAliveSeconds=60, **WHERE)
    done(session)
    again = client.execute_statement(Sql="SELECT n FROM mine", SessionId=session["SessionId"])
    done(again)
    expect("a session's temporary table", client.get_statement_result(Id=again["Id"])["Records"] == [[{"longValue": 7}]])
    sessions = client.list_sessions(Status="AVAILABLE")["Sessions"]
    expect("sessions", session["SessionId"] in [s["SessionId"] for s in sessions], sessions)

    token = {"ClientToken": "one-and-only", "Sql": "INSERT INTO t VALUES (9, 'once', 0, NULL)", **WHERE}
    first, repeated = client.execute_statement(**token), client.execute_statement(**token)
    expect("a client token", first["Id"] == repeated["Id"], (first, repeated))
    done(first)

    expect("databases", DATABASE in client.list_databases(**WHERE)["Databases"])
    expect("schemas", "public" in client.list_schemas(**WHERE)["Schemas"])
    tables = client.list_tables(SchemaPattern="public", TablePattern="t", **WHERE)["Tables"]
    expect("tables", [(t["schema"], t["name"], t["type"]) for t in tables] == [("public", "t", "TABLE")], tables)
    columns = client.describe_table(Schema="public", Table="t", **WHERE)["ColumnList"]
    expect("columns", [c["name"] for c in columns] == ["a", "b", "c", "d"], columns)
    pages = client.get_paginator("list_statements").paginate(PaginationConfig={"PageSize": 2})
    listed = [s["Id"] for page in pages for s in page["Statements"]]
    expect("pages", batch["Id"] in listed and len(listed) == len(set(listed)), listed)
    named = client.list_statements(StatementName="pa")["Statements"]
    expect("a prefix of a name", [s["Id"] for s in named] == [batch["Id"]], named)

    slow = client.execute_statement(Sql="CALL sp_endless()", **WHERE)
    expect("cancelled", client.cancel_statement(Id=slow["Id"])["Status"] is True)
    described = client.describe_statement(Id=slow["Id"], WaitTimeSeconds=10)
    expect("aborted", described["Status"] == "ABORTED", described)

    unknown = "00000000-0000-0000-0000-000000000000"
    error = error_of(client.describe_statement, Id=unknown)
    expect("an unknown id", error.response["Error"]["Code"] == "ResourceNotFoundException", error.response)
    expect("its status", error.response["ResponseMetadata"]["HTTPStatusCode"] == 400, error.response)
    expect("its member", error.response.get("ResourceId") == unknown, error.response)
    error = error_of(client.execute_statement, Sql="SELECT 1", Database=DATABASE)
    expect("no endpoint", error.response["Error"]["Code"] == "ValidationException", error.response)
    error = error_of(client.get_statement_result, Id=failed["Id"])
    expect("no result", error.response["Error"]["Code"] == "ResourceNotFoundException", error.response)
    error = error_of(client.execute_statement, Sql="SELECT :a", Parameters=[{"name": "b", "value": "1"}], **WHERE)
    expect("unused parameter", error.response["Error"]["Code"] == "ValidationException", error.response)
    error = error_of(client.cancel_statement, Id=select["Id"])
    expect("cancel too late", error.response["Error"]["Code"] == "ValidationException", error.response)
    expect("all operations", used == ALL, ALL - used)


def faults():
    """Each fault on request, as boto3 sees it."""
    client = boto3.client("redshift-data", region_name="us-east-1", config=Config(retries={"total_max_attempts": 1}))
    patient = boto3.client("redshift-data", region_name="us-east-1", config=Config(retries={"total_max_attempts": 4}))

    def ask(*rules):
        body = json.dumps(rules).encode()
        with urllib.request.urlopen(urllib.request.Request(os.environ["AWS_ENDPOINT_URL_REDSHIFT_DATA"] + "/__faults", data=body)) as answer:
            expect("rules are taken", answer.status == 200)

    def outcome(sql, **arguments):
        answer = client.execute_statement(Sql=sql, WaitTimeSeconds=10, **{**WHERE, **arguments})
        return client.describe_statement(Id=answer["Id"], WaitTimeSeconds=10)

    ask({"operation": "ExecuteStatement", "kind": "throttle", "count": 3})
    error = error_of(client.execute_statement, Sql="SELECT 1", **WHERE)
    expect("throttled", error.response["Error"]["Code"] == "ThrottlingException", error.response)
    expect("boto3 tries again by itself", patient.execute_statement(Sql="SELECT 1", **WHERE)["Id"])
    ask({"sql": "^insert into t", "kind": "fail", "text": "1023", "count": 2})
    ends = [outcome("INSERT INTO t VALUES (20, 'f', 0, NULL)") for _ in range(3)]
    expect("1023 twice", [e["Status"] for e in ends] == ["FAILED", "FAILED", "FINISHED"] and "1023" in ends[0]["Error"], ends)
    ask({"sql": "refresh", "kind": "fail", "text": "the refresh is to fail"})
    outcome("CREATE MATERIALIZED VIEW faulty AS SELECT a FROM t")
    expect("a refresh fails", outcome("REFRESH MATERIALIZED VIEW faulty")["Status"] == "FAILED")
    expect("and works again", outcome("REFRESH MATERIALIZED VIEW faulty")["Status"] == "FINISHED")
    ask({"operation": "ExecuteStatement", "kind": "drop_reply_after_execution"})
    again = patient.execute_statement(Sql="INSERT INTO t VALUES (21, 'once', 0, NULL)", **WHERE)
    client.describe_statement(Id=again["Id"], WaitTimeSeconds=10)
    count = client.execute_statement(Sql="SELECT COUNT(*) FROM t WHERE a = 21", WaitTimeSeconds=10, **WHERE)
    expect("a lost answer, executed once", client.get_statement_result(Id=count["Id"])["Records"] == [[{"longValue": 1}]])
    ask({"sql": "delayed", "kind": "delay", "delay_ms": 700})
    expect("a delay", outcome("SELECT 'delayed'")["Duration"] >= 700_000_000)
    ask({"sql": "aborted", "kind": "abort"})
    expect("an abort", outcome("SELECT 'aborted'")["Status"] == "ABORTED")
    session = client.execute_statement(Sql="SELECT 1", SessionKeepAliveSeconds=60, WaitTimeSeconds=10, **WHERE)["SessionId"]
    ask({"kind": "expire_session"})
    error = error_of(client.execute_statement, Sql="SELECT 1", SessionId=session)
    expect("a session that ended", error.response["Error"]["Code"] == "ValidationException", error.response)
    for code in ("ActiveStatementsExceededException", "ActiveSessionsExceededException", "ExecuteStatementException", "InternalServerException"):
        ask({"operation": "ExecuteStatement", "kind": "refuse", "code": code, "text": "as asked"})
        error = error_of(client.execute_statement, Sql="SELECT 1", **WHERE)
        expect("its class", type(error) is getattr(client.exceptions, code), error)
    ask({"operation": "ListTables", "kind": "refuse", "code": "QueryTimeoutException"})
    error = error_of(client.list_tables, **WHERE)
    expect("its class", type(error) is client.exceptions.QueryTimeoutException, error)
    ask({"kind": "lose_event"})
    expect("an event that nobody gets", outcome("SELECT 1", WithEvent=True)["Status"] == "FINISHED")
    ask()


def cli():
    """The same operations as commands; exit codes and error texts."""
    used = set()

    def run(operation, *arguments, fails=None):
        used.add(operation)
        words = [CLI, "redshift-data", operation, "--region", "us-east-1", "--output", "json", *arguments]
        ended = subprocess.run(words, capture_output=True, text=True, check=False)
        if fails is not None:
            expect(f"{operation} fails with {fails}", ended.returncode != 0 and fails in ended.stderr, ended.stderr)
            return None
        expect(f"{operation} succeeds", ended.returncode == 0, ended.stderr)
        return json.loads(ended.stdout) if ended.stdout.strip() else {}

    where = ["--workgroup-name", "workgroup", "--database", DATABASE]
    started = run("execute-statement", "--sql", "SELECT 1 AS one, 'x' AS two", "--session-keep-alive-seconds", "60",
                  "--wait-time-seconds", "5", *where)
    expect("finished at once", started["Status"] == "FINISHED", started)
    expect("described", run("describe-statement", "--id", started["Id"])["ResultRows"] == 1)
    records = run("get-statement-result", "--id", started["Id"])["Records"]
    expect("records", records == [[{"longValue": 1}, {"stringValue": "x"}]], records)
    csv = run("execute-statement", "--sql", "SELECT 1 AS one", "--result-format", "CSV", "--wait-time-seconds", "5", *where)
    expect("CSV records", "CSVRecords" in run("get-statement-result-v2", "--id", csv["Id"])["Records"][0])
    batch = run("batch-execute-statement", "--sqls", "SELECT 1", "SELECT 2", "--wait-time-seconds", "5", *where)
    expect("a batch", batch["Status"] == "FINISHED", batch)
    expect("sessions", run("list-sessions")["Sessions"])
    expect("statements", run("list-statements", "--max-items", "2")["Statements"])
    expect("databases", DATABASE in run("list-databases", *where)["Databases"])
    expect("schemas", "public" in run("list-schemas", *where)["Schemas"])
    expect("tables", run("list-tables", "--schema-pattern", "public", *where)["Tables"])
    expect("columns", run("describe-table", "--schema", "public", "--table", "t", *where)["ColumnList"])
    slow = run("execute-statement", "--sql", "CALL sp_endless()", *where)
    expect("cancelled", run("cancel-statement", "--id", slow["Id"])["Status"] is True)
    run("describe-statement", "--id", "00000000-0000-0000-0000-000000000000", fails="ResourceNotFoundException")
    run("execute-statement", "--sql", "SELECT 1", "--database", DATABASE, fails="ValidationException")
    commands = {"".join(part.capitalize() for part in name.split("-")) for name in used}
    expect("all operations", commands == ALL, ALL - commands)


boto()
faults()
cli()
print("12 operations through boto3 and 12 through the AWS CLI")
