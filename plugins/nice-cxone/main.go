// Command nice-cxone is the plugin for NICE CXone: it ends contacts, as the
// Studio action "End a Contact" does, and names the security user who does it.
// It sends no credentials and never sees a token: the connection of the node is
// the security user's credential, and the host adds it.
//
// plugin.yaml is its manifest. What NICE has not published is a setting of the
// connection.
package main

import "github.com/wendflow/wend/sdk"

var plugin = sdk.Plugin{
	"set-security-user": setSecurityUser,
	"end-contact":       endContact,
}

var _ = sdk.Export(plugin)

func main() {} // a plugin is a library: main never runs
