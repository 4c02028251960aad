"""Pure rules of the desk: which acts are of which kind, what explains an entry, what each rule looks for, how a finding moves."""
