// Command cisco-cce is the plugin for Cisco Contact Center Enterprise: the task
// methods of Webex Connect's CCE nodes, spoken to the Digital Routing API on
// Cloud Connect. It sends no credentials; the node's connection adds them.
//
// plugin.yaml is its manifest. Paths, verbs and header names that Cisco has not
// published are settings of the connection.
package main

import "github.com/wendflow/wend/sdk"

var plugin = sdk.Plugin{
	"end-task":    endTask,
	"create-task": createTask,
	"get-task":    getTask,
}

var _ = sdk.Export(plugin)

func main() {} // a plugin is a library: main never runs
