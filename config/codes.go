package config

import "github.com/cutover-mail/cutover/providers"

// The codes of findings.
const (
	codeEmpty              = "config-empty"
	codeRead               = "config-unreadable"
	codeSyntax             = "config-syntax"
	codeUnknownBlock       = "config-unknown-block"
	codeUnknownArgument    = "config-unknown-argument"
	codeLabels             = "config-labels"
	codeName               = "config-name"
	codeDuplicate          = "config-duplicate"
	codeMissing            = "config-missing"
	codeType               = "config-type"
	codeValue              = "config-value"
	codeReference          = "config-reference"
	codeCycle              = "config-cycle"
	codeExpression         = "config-expression"
	codeEnv                = "config-env"
	codeFile               = "config-file"
	codeVariableMissing    = "config-variable-missing"
	codeVariableUndeclared = "config-variable-undeclared"
	codeVariableInvalid    = "config-variable-invalid"
	codeSensitive          = "config-sensitive"
	codeSecretLiteral      = "config-secret-literal"
	codeProvider           = "config-provider"
	codeRole               = "config-role"
	codeEndpoint           = "config-endpoint"
	codeSetting            = "config-setting"
	codeAddress            = "config-address"
	codeGlob               = "config-glob"
	codeDuration           = "config-duration"
	codeUnreachable        = "config-batch-unreachable"
	codeClaimed            = "config-claimed-twice"
	codeVersion            = "config-version"
	codeUnsupported        = "config-unsupported"
)

// Codes explains the codes of this package's findings.
func Codes() []providers.Code {
	return []providers.Code{
		{Code: codeEmpty, Title: "No configuration", Cause: "The folder holds no file that ends in .hcl; files that end in .vars.hcl only hold values of variables.",
			Fix: "Start cutover in the folder of the configuration, or name it with -chdir."},
		{Code: codeRead, Title: "Unreadable file", Cause: "A file of the configuration, or one named by -var-file, could not be opened.", Fix: "Correct the path, or the rights on the file."},
		{Code: codeSyntax, Title: "Syntax error", Cause: "A file is not valid HCL.", Fix: "Correct it at the place shown. Each argument stands on a line of its own."},
		{Code: codeUnknownBlock, Title: "Unknown block", Cause: "A block stands where none of that name is known.", Fix: "Correct the name, or move the block to where it belongs."},
		{Code: codeUnknownArgument, Title: "Unknown argument", Cause: "An argument stands where none of that name is known.", Fix: "Correct the name, or remove the argument. `cutover providers` lists what an endpoint takes."},
		{Code: codeLabels, Title: "Wrong labels", Cause: "A block has more or fewer labels than it takes.", Fix: "Write the labels between the name of the block and the brace, in quotes."},
		{Code: codeName, Title: "Unusable name", Cause: "A label that names something cannot be used as a name.", Fix: "Use letters, digits, - and _, with a letter first."},
		{Code: codeDuplicate, Title: "Named twice", Cause: "Two blocks, or two elements of a list, have the same name.", Fix: "Remove one, or join them."},
		{Code: codeMissing, Title: "Something is missing", Cause: "A block lacks an argument that it needs, or the configuration lacks a migration.", Fix: "Add it."},
		{Code: codeType, Title: "Wrong type", Cause: "A value has another type than the argument takes.", Fix: "Write a value of the type named, or convert it: tostring(...), tonumber(...), split(...)."},
		{Code: codeValue, Title: "Value out of range", Cause: "A value has the right type and is none of those possible.", Fix: "Write one of those the finding names."},
		{Code: codeReference, Title: "Unknown reference", Cause: "An expression refers to a variable, a local value or an endpoint that is not declared.", Fix: "Correct the name, or declare it."},
		{Code: codeCycle, Title: "Circle", Cause: "Local values, or batches with after, need each other in a circle.", Fix: "Remove one of the references."},
		{Code: codeExpression, Title: "Failed expression", Cause: "An expression could not be evaluated.", Fix: "Correct it at the place shown."},
		{Code: codeEnv, Title: "Environment variable not set", Cause: "The function env names a variable that the environment does not hold.", Fix: "Set it before cutover starts. An empty value counts as set."},
		{Code: codeFile, Title: "File not usable", Cause: "The function file names a file that is not there, cannot be read or is not UTF-8.", Fix: "Correct the path, which starts in the folder of the configuration."},
		{Code: codeVariableMissing, Title: "Variable without value", Cause: "A variable has no default and got no value.", Fix: "Give it one: -var, -var-file, cutover.vars.hcl, or CUTOVER_VAR_name in the environment."},
		{Code: codeVariableUndeclared, Title: "Undeclared variable", Cause: "A value was given for a variable that the configuration does not declare.", Fix: "Correct the name, or declare the variable."},
		{Code: codeVariableInvalid, Title: "Variable refused", Cause: "The value of a variable does not keep the condition of its validation block.", Fix: "Give another value."},
		{Code: codeSensitive, Title: "Sensitive value would be shown", Cause: "A sensitive value, or one from env(), stands in an argument that plans and reports show.", Fix: "Use a variable that is not sensitive."},
		{Code: codeSecretLiteral, Title: "Password in the file", Cause: "A secret stands in the configuration in clear text, for everyone who reads the repository.", Fix: "Take it from env(\"...\") or a sensitive variable, and change it."},
		{Code: codeProvider, Title: "Unknown provider", Cause: "The type of an endpoint is no built-in provider, and the cutover block does not say how to start one of that name.", Fix: "Correct the type, or add provider \"name\" { command = [...] } to the cutover block."},
		{Code: codeRole, Title: "Wrong side", Cause: "A source stands where a target is needed or the other way round, or a setting belongs to the other side.", Fix: "Use an endpoint, or a setting, of the right side."},
		{Code: codeEndpoint, Title: "Unknown endpoint", Cause: "from or to names an endpoint that is not declared.", Fix: "Correct the reference, or declare the endpoint."},
		{Code: codeSetting, Title: "Setting refused", Cause: "A provider cannot work with a setting of its endpoint.", Fix: "Change the setting as the finding says."},
		{Code: codeAddress, Title: "Not an address", Cause: "A text is no SMTP address, or no domain name.", Fix: "Write it as name@contoso.test, or contoso.test. With csvdecode, see whether it is the right column."},
		{Code: codeGlob, Title: "Pattern without effect", Cause: "A pattern can match no address.", Fix: "\"*\" is any text, \"?\" any character, and a pattern covers the whole address: \"*@contoso.test\"."},
		{Code: codeDuration, Title: "Not a duration", Cause: "A text is no duration above zero.", Fix: "Write a number with a unit, such as \"30s\", \"15m\" or \"24h\"."},
		{Code: codeUnreachable, Title: "Batch that never runs", Cause: "Nobody can be in a batch, or it waits for one that does not exist.", Fix: "Say who is in it, have everyone_else in one batch only, and name existing batches in after."},
		{Code: codeClaimed, Title: "Claimed twice", Cause: "Two batches name one mailbox, or two addresses are mapped to one.", Fix: "Remove it from one of them."},
		{Code: codeVersion, Title: "Other version asked for", Cause: "required_version excludes this version of cutover, or cannot be read.", Fix: "Use a version that fits, or change required_version."},
		{Code: codeUnsupported, Title: "Not in this version", Cause: "The configuration asks for something that this version of cutover cannot do.", Fix: "Do as the finding says, or use a later version."},
	}
}
