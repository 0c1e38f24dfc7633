package main

import (
	"cmp"
	"hash/fnv"
	"strconv"
	"strings"

	"github.com/wendflow/wend/sdk"
)

const (
	// variable is the name of the variable in which Studio keeps a security
	// user unless told otherwise.
	variable = "SecurityUser"

	handlePrefix = variable + ":"
	sealSize     = 16
	maxAgent     = 128
)

// self is the security user that a connection speaks for. Its credential is the
// connection's, so there is one for each connection; who it is, the connection
// may declare.
type self struct {
	id, name string // of the agent; both may be empty
	seal     string // the same for each node with this connection
}

func newSelf(c *sdk.Ctx) self {
	s := self{id: c.Settings.Text("agentId"), name: setting(c, "agentName", "")}
	hash := fnv.New64a()
	for _, part := range []string{s.id, s.name, setting(c, "apiBase", ""), setting(c, "tenantId", "")} {
		_, _ = hash.Write([]byte(part + "\x00")) // a hash takes everything
	}
	s.seal = strconv.FormatUint(hash.Sum64(), 16)
	s.seal = strings.Repeat("0", sealSize-len(s.seal)) + s.seal
	return s
}

// agent is the name of the agent that the connection declares, "" if it
// declares none.
func (s self) agent() string { return cmp.Or(s.id, s.name) }

// is tells whether an agent's id or name is the one declared.
func (s self) is(agent string) bool {
	return agent == s.id || s.name != "" && strings.EqualFold(agent, s.name)
}

// handle is the value of a SecurityUser: it names the agent and the connection,
// and gives nobody anything, for the credential stays with the connection.
func (s self) handle(agent string) string { return handlePrefix + s.seal + ":" + agent }

// admits says what is wrong with a SecurityUser that a node was given; "" if it
// is the one of this connection. It may be in braces, as Studio writes a
// variable. The name of the default variable stands for the connection's own
// agent. A value is never repeated, since somebody may take a token for one.
func (s self) admits(given string) string {
	value := unbrace(given)
	switch {
	case value == "":
		return "securityUser is empty: expected what set-security-user gave"
	case value == variable && s.agent() == "":
		return "securityUser is the variable's name, and the connection does not say whose credential it is: set its agentId, or give what set-security-user gave"
	case value == variable:
		return ""
	}
	seal, agent, found := strings.Cut(strings.TrimPrefix(value, handlePrefix), ":")
	switch {
	case !found || !strings.HasPrefix(value, handlePrefix) || len(seal) != sealSize || agent == "":
		return "securityUser is no security user: expected what set-security-user gave"
	case seal != s.seal || s.agent() != "" && !s.is(agent):
		return "securityUser " + strconv.Quote(agent) + " was made with another connection: end-contact acts as the security user of its own"
	}
	return ""
}

// unbrace takes one pair of braces off, if there is one.
func unbrace(text string) string {
	text = strings.TrimSpace(text)
	if strings.HasPrefix(text, "{") && strings.HasSuffix(text, "}") {
		text = strings.TrimSpace(text[1 : len(text)-1])
	}
	return text
}

// setSecurityUser makes the handle of the agent whose credential the connection
// is. The token is the host's affair, and had when it is needed: so nothing is
// asked here unless the connection wants the agent looked up.
func setSecurityUser(c *sdk.Ctx) sdk.Result {
	s := newSelf(c)
	agent, v := s.choose(c.Input.Text("agent"))
	if v.outcome == "" && c.Settings.Bool("verifyAgent") {
		agent, v = lookUp(c, agent)
	}
	if v.outcome != "" {
		v.outcome = failed // there is but one outcome for all that goes wrong here
		return v.result()
	}
	result := verdict{outcome: success, reply: v.reply}.result()
	result.Outputs["securityUser"] = s.handle(agent)
	result.Outputs["agent"] = agent
	return result
}

// choose returns the agent that a node asks for, which is the connection's own
// if it names none.
func (s self) choose(given string) (string, verdict) {
	agent := strings.TrimSpace(given)
	refuse := func(code, message string) (string, verdict) { return "", verdict{}.fail(failed, code, message) }
	unfit := func(r rune) bool { return r < ' ' || r == 0x7f }
	switch {
	case agent == "" && s.agent() == "":
		return refuse("noAgent", "agent is empty, and the connection does not say whose credential it is")
	case len(agent) > maxAgent || strings.ContainsFunc(agent, unfit):
		return refuse("invalidAgent", "agent: expected the id or the name of an agent, at most "+strconv.Itoa(maxAgent)+" bytes")
	case s.agent() == "":
		return agent, verdict{}
	case agent != "" && !s.is(agent):
		return refuse("wrongAgent", "agent "+strconv.Quote(agent)+" is not the security user of this connection, which is "+strconv.Quote(s.agent()))
	}
	return s.agent(), verdict{}
}

// lookUp asks the API whether an agent is there and active, and returns its id.
func lookUp(c *sdk.Ctx, agent string) (string, verdict) {
	at, v := base(c)
	if v.outcome != "" {
		return "", v
	}
	at += apiPath(c, "agentsPath", defaultAgentsPath)
	if isDigits(agent) {
		at += "/" + agent
	} else {
		at += "?fields=agentId,userName,isActive&searchString=" + escape(agent)
	}
	v = verdict{reply: c.Do(request("GET", at))}
	body, malformed := v.reply.JSON()
	switch {
	case v.reply.Failure != "":
		return "", v.failure()
	case v.reply.Status == 404:
		return "", v.fail(failed, "unknownAgent", "there is no agent "+strconv.Quote(agent))
	case !succeeded(v.reply.Status):
		return "", v.fail(failed, httpCode(v.reply), v.answered("CXone"))
	case malformed != nil:
		return "", v.fail(failed, "malformedReply", "the reply is no JSON: "+malformed.Error())
	}
	return v.findActive(agent, agentsIn(body))
}

// agentsIn reads a list of agents, or a single one.
func agentsIn(body sdk.Value) []sdk.Value {
	if list := body.Lookup("agents"); list.Kind() == sdk.List {
		return list.List()
	}
	if one := body.Lookup("agents"); one.Kind() == sdk.Object {
		return []sdk.Value{one}
	}
	return []sdk.Value{body}
}

func (v verdict) findActive(agent string, agents []sdk.Value) (string, verdict) {
	for _, a := range agents {
		id := a.Text("agentId")
		if id == "" || id != agent && !strings.EqualFold(a.Text("userName"), agent) {
			continue
		}
		if a.Text("isActive") != "true" {
			return "", v.fail(failed, "inactiveAgent", "agent "+strconv.Quote(agent)+" is not active")
		}
		return id, v
	}
	return "", v.fail(failed, "unknownAgent", "there is no agent "+strconv.Quote(agent))
}

func isDigits(text string) bool {
	return text != "" && !strings.ContainsFunc(text, func(r rune) bool { return r < '0' || r > '9' })
}
