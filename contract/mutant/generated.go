package mutant

func (k *kit) generated() []Mutant { return nil }
