#!/usr/bin/env bash
# CloudEvents for JavaScript: an event whose data is false, 0, "" or null arrives without data.
#
# Versions:  npm cloudevents 10.0.0
# Expected:  what HTTP.structured writes, HTTP.toEvent reads: the specification lets data be
#            any JSON value.
# Behaviour: it is written, and dropped when it is read. A number in binary mode is written too,
#            and reading it throws.
# Seen:      the lines at the end.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
cat >main.mjs <<'EOF'
import { CloudEvent, HTTP } from "cloudevents";
for (const data of [false, 0, "", null, [], 1]) {
  const event = new CloudEvent({ id: "1", source: "/s", type: "t", datacontenttype: "application/json", data });
  const sent = HTTP.structured(event);
  console.log(JSON.stringify(data), "sent", JSON.stringify(JSON.parse(sent.body).data), "read", JSON.stringify(HTTP.toEvent(sent).data));
}
const one = new CloudEvent({ id: "1", source: "/s", type: "t", datacontenttype: "application/json", data: 1 });
try {
  console.log("binary", HTTP.toEvent(HTTP.binary(one)).data);
} catch (e) {
  console.log("binary", e.message);
}
EOF
npm install --no-audit --no-fund --ignore-scripts cloudevents@10.0.0
node main.mjs | tee seen
diff - seen <<'EOF'
false sent false read undefined
0 sent 0 read undefined
"" sent "" read undefined
null sent null read undefined
[] sent [] read []
1 sent 1 read 1
binary invalid payload type, allowed are: string or object
EOF
