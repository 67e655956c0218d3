package api

// RuleMatch says which calls a rule applies to. The zero value matches all.
type RuleMatch struct {
	Operation string `json:"operation,omitempty"`
	Method    string `json:"method,omitempty"`
	Path      string `json:"path,omitempty"` // decoded: a path, or a prefix followed by *
	// Host is a name in any case, without a port; *.example.com stands for any name with that ending.
	Host       string               `json:"host,omitempty"`
	Headers    map[string]Condition `json:"headers,omitempty"`    // by name, in any case; one value of a repeated header is enough
	Parameters map[string]Condition `json:"parameters,omitempty"` // by name or JSON pointer, from query, form and JSON body
}

// Match says which calls of a journal to take. The zero value matches all.
type Match struct {
	Operation  string               `json:"operation,omitempty"`
	Method     string               `json:"method,omitempty"`
	Path       string               `json:"path,omitempty"`       // as RuleMatch has it
	Host       string               `json:"host,omitempty"`       // as RuleMatch has it
	Headers    map[string]Condition `json:"headers,omitempty"`    // as RuleMatch has it
	Parameters map[string]Condition `json:"parameters,omitempty"` // as RuleMatch has it
	Errcode    string               `json:"errcode,omitempty"`    // errcode, sub_code, errcode/sub_code or code; 0 is success
	Rule       string               `json:"rule,omitempty"`
	Violations *bool                `json:"violations,omitempty"`
}
