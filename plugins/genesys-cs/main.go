// Command genesys-cs is the plugin for Genesys Context Services: it starts
// services and tasks, completes tasks and reads them, as Genesys Mobile Services
// serves them under /genesys/1/cs. It sends no credentials; the node's
// connection adds them.
//
// plugin.yaml is its manifest. What Genesys has not published is a setting of
// the connection.
package main

import "github.com/wendflow/wend/sdk"

var plugin = sdk.Plugin{
	"complete-task": completeTask,
	"start-service": startService,
	"start-task":    startTask,
	"get-task":      getTask,
	"query-tasks":   queryTasks,
}

var _ = sdk.Export(plugin)

func main() {} // a plugin is a library: main never runs
