package emulator

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Settings are the switches of this emulator: the guesses that another
// installation may prove wrong, and what its administrator has configured.
type Settings struct {
	// Basic is whether calls need a user and a password. Genesys ships it off.
	// Defaults to true, so that a missing credential shows.
	Basic bool `json:"basic"`
	// Users may call. Defaults to cs-admin, cs-supervisor and cs-agent.
	Users map[string]User `json:"users"`
	// UseRole is the option cview/use-role: only an Administrator may write, and
	// only he and a Supervisor may read. Defaults to false.
	UseRole bool `json:"useRole"`
	// Tenants are the names of the tenants by their DBID. Defaults to 1
	// Environment and 101 Resources.
	Tenants map[string]string `json:"tenants"`
	// MultiTenant is whether calls must name their tenant. Else those that do not
	// are of tenant 1. Defaults to false.
	MultiTenant bool `json:"multiTenant"`
	// TenantStatus is the HTTP status of a wrong or missing tenant. Defaults to
	// 400.
	TenantStatus int `json:"tenantStatus"`
	// Repeat is the HTTP status of completing what is completed already: 400,
	// 404, 409, or 204, which changes nothing either. Defaults to 400.
	Repeat int `json:"repeat"`
	// Start is the HTTP status of a start: 201 or 200. Defaults to 201.
	Start int `json:"start"`
	// ServiceIDs are "integer" or "text". Defaults to integer.
	ServiceIDs string `json:"serviceIds"`
	// FirstServiceID is the id of the first service that is started, if they are
	// integers. Defaults to 9007199254740993, which a program that counts in
	// floating point gets wrong.
	FirstServiceID int64 `json:"firstServiceId"`
	// TypesMandatory is whether a start needs the type of what is started, as
	// before release 8.5. Defaults to false.
	TypesMandatory bool `json:"typesMandatory"`
	// MapNames is the option map-names: replies have the names of business
	// attributes instead of their ids. Defaults to false.
	MapNames bool `json:"mapNames"`
	// Attributes are the business attributes with their values; one without any
	// is not mapped and takes everything. Defaults to a small set of each.
	Attributes map[string][]Value `json:"attributes"`
	// AutoComplete is the option cview/auto-complete-enabled. Defaults to false.
	AutoComplete bool `json:"autoComplete"`
	// AutoCompleteAfter is the option of that name, in seconds, for services that
	// do not say it themselves. Defaults to 0: never.
	AutoCompleteAfter int64 `json:"autoCompleteAfter"`
}

// User is somebody who may call.
type User struct {
	Password string `json:"password"`
	Role     string `json:"role"`
}

// Value is one of those that a business attribute can have.
type Value struct {
	ID      int64  `json:"id"`
	Name    string `json:"name"`
	Display string `json:"display"`
}

func defaults() Settings {
	return Settings{
		Basic: true,
		Users: map[string]User{
			"cs-admin":      {"cs-admin-password", administrator},
			"cs-supervisor": {"cs-supervisor-password", supervisor},
			"cs-agent":      {"cs-agent-password", "Agent"},
		},
		Tenants:        map[string]string{"1": "Environment", "101": "Resources"},
		TenantStatus:   400,
		Repeat:         400,
		Start:          201,
		ServiceIDs:     "integer",
		FirstServiceID: 9007199254740993,
		Attributes:     attributes(),
	}
}

func (s Settings) check() error {
	switch {
	case !slices.Contains([]int{204, 400, 404, 409}, s.Repeat):
		return fmt.Errorf("repeat %d: expected 204, 400, 404 or 409", s.Repeat)
	case s.Start != 200 && s.Start != 201:
		return fmt.Errorf("start %d: expected 201 or 200", s.Start)
	case s.TenantStatus < 400 || s.TenantStatus > 599:
		return fmt.Errorf("tenantStatus %d: expected one from 400 to 599", s.TenantStatus)
	case s.ServiceIDs != "integer" && s.ServiceIDs != "text":
		return fmt.Errorf("serviceIds %q: expected integer or text", s.ServiceIDs)
	case s.FirstServiceID < 0:
		return fmt.Errorf("firstServiceId %d: expected 0 or more", s.FirstServiceID)
	case s.AutoCompleteAfter < 0:
		return fmt.Errorf("autoCompleteAfter %d: expected seconds, or 0 for never", s.AutoCompleteAfter)
	}
	known := attributes()
	for name := range s.Attributes {
		if _, is := known[name]; !is {
			return fmt.Errorf("attribute %q: expected one of %s", name, strings.Join(slices.Sorted(maps.Keys(known)), ", "))
		}
	}
	return nil
}
