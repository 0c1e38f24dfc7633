// Command luware-lucs is the plugin for Luware LUCS: the life of an external
// task, from its creation to its end, and the services and users that it is
// made for. It sends no credentials; the node's connection adds them.
//
// plugin.yaml is its manifest. Paths, names and states that Luware has not
// published are settings of the connection.
package main

import "github.com/wendflow/wend/sdk"

var plugin = sdk.Plugin{
	"create-task":        createTask,
	"get-task":           getTask,
	"list-service-tasks": listServiceTasks,
	"refresh-task":       refreshTask,
	"set-established":    setEstablished,
	"terminate-task":     terminateTask,
	"list-services":      listServices,
	"list-service-users": listServiceUsers,
}

var _ = sdk.Export(plugin)

func main() {} // a plugin is a library: main never runs
