package emulator

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/wendflow/wend/emulator"
)

// attributes are the business attributes that Context Services validate, with the
// values of this installation. 10 is the disposition of the vendor's sample.
func attributes() map[string][]Value {
	return map[string][]Value{
		"service_type":     {{1, "Sales", "Sales"}, {2, "Support", "Support"}, {100, "CarRental", "Car rental"}},
		"state_type":       {{20, "SST-Identify", "Identify the customer"}, {24, "SST-Propose", "Make a proposal"}},
		"task_type":        {{50, "STT-FillCustomerInfo", "Fill in the customer"}, {55, "STT-DefineCustomerNeed", "Define the need"}, {60, "STT-Survey", "Survey"}},
		"application_type": {{400, "IVR", "Voice portal"}, {401, "ORS", "Orchestration"}, {402, "WEB", "Web site"}},
		"resource_type":    {{300, "GVP", "Voice platform"}, {301, "AgentDesktop", "Agent desktop"}, {302, "Orchestration", "Orchestration"}},
		"media_type":       {{200, "voice", "Voice"}, {201, "email", "E-mail"}, {202, "chat", "Chat"}, {203, "sms", "SMS"}},
		"disposition":      {{10, "Success", "Success"}, {11, "Failure", "Failure"}, {12, "NoAnswer", "No answer"}},
	}
}

// attributeValue finds a value by its id or by its name.
func (s Settings) attributeValue(attribute string, given any) (Value, error) {
	values := s.Attributes[attribute]
	for _, v := range values {
		if given == v.ID || given == v.Name {
			return v, nil
		}
	}
	if len(values) > 0 {
		return Value{}, badRequest("unknown value %s of business attribute '%s', valid values are %s", quoted(given), attribute, listed(values))
	}
	if id, is := given.(int64); is {
		return Value{ID: id}, nil
	}
	return Value{Name: given.(string)}, nil
}

// quoted writes what was given, an int64 or a string.
func quoted(given any) string {
	if text, is := given.(string); is {
		return "'" + text + "'"
	}
	return fmt.Sprint(given)
}

func listed(values []Value) string {
	names := make([]string, len(values))
	for i, v := range values {
		names[i] = fmt.Sprintf("%d (%s)", v.ID, v.Name)
	}
	return strings.Join(names, ", ")
}

// shown is a value as a reply has it.
func (v Value) shown(cfg Settings) any {
	if v.Name != "" && (cfg.MapNames || v.ID == 0) {
		return v.Name
	}
	return v.ID
}

func (s *site) allAttributes(w http.ResponseWriter, r request) error {
	emulator.WriteJSON(w, emulator.Decision, http.StatusOK, r.cfg.Attributes)
	return nil
}

func (s *site) oneAttribute(w http.ResponseWriter, r request) error {
	values, known := r.cfg.Attributes[r.PathValue("attribute")]
	if !known {
		return notFound("no business attribute '%s'", r.PathValue("attribute"))
	}
	emulator.WriteJSON(w, emulator.Decision, http.StatusOK, values)
	return nil
}
