package node

import "encoding/json"

// MarshalJSON writes all that a type declares: the one form in which the
// catalogue is shown to programs.
func (t *Type) MarshalJSON() ([]byte, error) {
	doc := typeJSON{
		Type: t.Ref(), Name: t.Name, Version: t.Version, Title: t.Title, Doc: t.Doc,
		Trigger: t.Starts(), Connects: t.Connects, Idempotent: t.Idempotent,
		Inputs: t.Inputs, Outputs: t.Outputs, Settings: t.Settings, Digest: t.Digest,
		Outcomes: make([]outcomeJSON, len(t.Outcomes.All)),
	}
	for i, o := range t.Outcomes.All {
		doc.Outcomes[i] = outcomeJSON{o.Name, o.Doc, t.Outcomes.Role(o.Name)}
	}
	return json.Marshal(doc)
}

type typeJSON struct {
	Type       string        `json:"type"`
	Name       string        `json:"name"`
	Version    string        `json:"version,omitempty"`
	Title      string        `json:"title"`
	Doc        string        `json:"doc"`
	Trigger    bool          `json:"trigger"`
	Connects   bool          `json:"connects"`
	Idempotent bool          `json:"idempotent"`
	Inputs     *Schema       `json:"inputs"`
	Outputs    *Schema       `json:"outputs"`
	Settings   *Schema       `json:"settings,omitempty"`
	Outcomes   []outcomeJSON `json:"outcomes"`
	Digest     string        `json:"digest,omitempty"`
}

type outcomeJSON struct {
	Outcome string `json:"outcome"`
	Doc     string `json:"doc"`
	Role    string `json:"role,omitempty"`
}

// Role is what an outcome is there for beside its name: "success", "fault",
// "invalid", "default", or "" for nothing else.
func (o Outcomes) Role(name string) string {
	switch name {
	case o.Success:
		return "success"
	case o.Fault:
		return "fault"
	case o.Invalid:
		return "invalid"
	case o.Default:
		return "default"
	default:
		return ""
	}
}
