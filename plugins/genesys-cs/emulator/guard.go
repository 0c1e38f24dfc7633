package emulator

import (
	"net/http"
	"time"
)

// The roles that count where the option use-role is set.
const (
	administrator = "Administrator"
	supervisor    = "Supervisor"
)

// request is a call that has passed the guard.
type request struct {
	*http.Request

	cfg    Settings
	now    time.Time
	tenant string // its DBID
}

// admit says whether a call may be made, and for whom.
func admit(r *http.Request, cfg Settings, now time.Time) (request, error) {
	if err := authorize(r, cfg); err != nil {
		return request{}, err
	}
	tenant, err := tenantOf(r.Header.Get("ContactCenterId"), cfg)
	return request{Request: r, cfg: cfg, now: now, tenant: tenant}, err
}

func authorize(r *http.Request, cfg Settings) error {
	if !cfg.Basic {
		return nil
	}
	name, password, given := r.BasicAuth()
	user, known := cfg.Users[name]
	switch {
	case !given:
		return unauthorized("credentials are missing")
	case !known || user.Password != password:
		return unauthorized("credentials are incorrect")
	case !cfg.UseRole || user.Role == administrator:
		return nil
	case r.Method != http.MethodGet:
		return roleRefused(administrator)
	case user.Role != supervisor:
		return roleRefused(administrator + " or " + supervisor)
	}
	return nil
}

func roleRefused(needed string) error {
	return unauthorized("the user is not allowed to execute this operation, it needs the role " + needed)
}

// tenantOf finds a tenant by its DBID or its name.
func tenantOf(given string, cfg Settings) (string, error) {
	switch {
	case given == "" && cfg.MultiTenant:
		return "", noTenant(cfg.TenantStatus)
	case given == "":
		return defaultTenant, nil
	}
	for id, name := range cfg.Tenants {
		if given == id || given == name {
			return id, nil
		}
	}
	return "", wrongTenant(cfg.TenantStatus, given)
}

const defaultTenant = "1"
