// Command rulego serves the benchmark's flow with RuleGo and its own HTTP node.
// Its arguments are the vendor's URL and the address to listen on.
package main

import (
	"log"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/rulego/rulego"
	"github.com/rulego/rulego/api/types"
	endpointapi "github.com/rulego/rulego/api/types/endpoint"
	"github.com/rulego/rulego/endpoint"
	"github.com/rulego/rulego/endpoint/rest"
)

const chain = `{"ruleChain":{"id":"hook","name":"hook","root":true},"metadata":{"nodes":[
 {"id":"n2","type":"exprTransform","configuration":{"mapping":{"taskId":"msg.conversationId","sender":"msg.from"}}},
 {"id":"n3","type":"restApiCall","configuration":{"restEndpointUrlPattern":"VENDOR","requestMethod":"POST","readTimeoutMs":5000,"maxParallelRequestsCount":2000}},
 {"id":"n4","type":"exprTransform","configuration":{"mapping":{"ok":"true","task":"msg.taskId"}}}],
 "connections":[{"fromId":"n2","toId":"n3","type":"Success"},{"fromId":"n3","toId":"n4","type":"Success"}]}}`

func main() {
	log.SetFlags(0)
	vendor, addr := os.Args[1], os.Args[2]
	config := rulego.NewConfig(types.WithDefaultPool())
	if _, err := rulego.New("hook", []byte(strings.ReplaceAll(chain, "VENDOR", vendor)), rulego.WithConfig(config)); err != nil {
		log.Fatal(err)
	}
	server, err := endpoint.Registry.New(rest.Type, config, rest.Config{Server: addr})
	if err != nil {
		log.Fatal(err)
	}
	router := endpoint.NewRouter().From("/hook").To("chain:hook").Wait().Process(answer).End()
	if _, err := server.AddRouter(router, "POST"); err != nil {
		log.Fatal(err)
	}
	if err := server.Start(); err != nil {
		log.Fatal(err)
	}
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM, os.Interrupt)
	<-stop
}

// answer writes what the chain ended with.
func answer(_ endpointapi.Router, exchange *endpointapi.Exchange) bool {
	if err := exchange.Out.GetError(); err != nil {
		exchange.Out.SetStatusCode(502)
		exchange.Out.SetBody([]byte(err.Error()))
		return true
	}
	exchange.Out.Headers().Set("Content-Type", "application/json")
	exchange.Out.SetBody([]byte(exchange.Out.GetMsg().GetData()))
	return true
}
