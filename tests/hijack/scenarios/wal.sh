# SPDX-License-Identifier: BSD-2-Clause
# needs sqlite3 /usr/bin/python3
# Ten thousand transactions of two processes, with SQLite's log and the memory
# that it shares between them.
cat >writer.py <<'END'
import sqlite3, sys
me = int(sys.argv[1])
db = sqlite3.connect("x.db", timeout=60, isolation_level=None)
db.execute("pragma synchronous=normal")
for i in range(5000):
    db.execute("begin immediate")
    n, = db.execute("select n from total").fetchone()
    db.execute("update total set n = ?", (n + 1,))
    db.execute("insert into t values(?, ?, ?)", (me, i, "x" * (i % 97)))
    db.execute("commit")
END
sqlite3 x.db "pragma journal_mode=wal; create table total(n);
    insert into total values(0); create table t(who, i, text);"
/usr/bin/python3 writer.py 1 &
/usr/bin/python3 writer.py 2 &
wait
sqlite3 x.db "pragma integrity_check; select n from total; pragma journal_mode;
    select who, count(*), sum(i), sum(length(text)) from t group by who;"
ls
