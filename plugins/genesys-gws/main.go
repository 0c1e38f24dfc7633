// Command genesys-gws is the plugin for Genesys Web Services: the operations of
// its Facebook Private Messaging API on a session of the agent whose credential
// the connection is. It knows no password, no cookie and no CSRF token: the
// node's connection, of type session, has them.
//
// plugin.yaml is its manifest. What Genesys writes differently from release to
// release, and what nobody has published, is a setting of the connection.
package main

import "github.com/wendflow/wend/sdk"

var plugin = sdk.Plugin{
	"complete-facebook-session": complete,
	"accept-facebook-session":   accept,
	"reject-facebook-session":   reject,
	"leave-facebook-session":    leave,
	"transfer-facebook-session": transfer,
}

var _ = sdk.Export(plugin)

func main() {} // a plugin is a library: main never runs
