package state

// reduceModels also sees SizeSet, RateSet, ThreadsSet, PrecisionSet and
// SettingsRestored, after s.Settings has changed, and what the core did on the
// actions of the engine.
func reduceModels(s State, a Action) (State, []Effect) {
	m := &s.Models
	switch a := a.(type) {
	case SizeSet, RateSet, SettingsRestored:
		if s.Settings.Size != SizeAuto {
			m.Auto = 0
		}
		return s, []Effect{ResetSizer, Retune}
	case ThreadsSet, PrecisionSet:
		return s, []Effect{ResetSizer, Retune}
	case AutoSized:
		if s.Settings.Size == SizeAuto {
			m.Auto = a.Side
			return s, []Effect{Retune}
		}
	case EngineLoaded:
		m.InUse, m.Opening = m.Opening, ""
		return s, []Effect{ResetSizer, Retune, ListModels}
	case EngineRefused:
		m.Opening = ""
	case ModelRetuned:
		return retuned(s, a.Model)
	case RetuneRefused:
		s.Problem = s.problemRetune(a.Reason, a.Text)
	case ModelNamed:
		m.Opening = a.ID
	case CatalogArrived, ModelWanted, DownloadAgreed, DownloadDeclined, FetchAt, FetchOver, FetchStopped, ModelDeleted, ModelKept:
		return reduceCatalog(s, a)
	}
	return reduceWork(s, a)
}

func retuned(s State, model Model) (State, []Effect) {
	if s.Engine.Model == nil {
		return s, nil
	}
	s.Engine.Model = &model
	if s.Source.Kind == SourceImage && s.Source.Live {
		return s, []Effect{Analyse}
	}
	return s, nil
}

func reduceCatalog(s State, a Action) (State, []Effect) {
	m := &s.Models
	switch a := a.(type) {
	case CatalogArrived:
		m.Catalog = a.Catalog
	case ModelWanted:
		e := m.Catalog.Entry(a.ID)
		switch {
		case e == nil:
			return s, nil
		case a.ID == m.InUse && m.Opening == "" && s.Engine.Model != nil:
			if m.Ask = ""; m.Fetch.ID != "" { // back to it before the other came
				m.Fetch = Fetch{}
				return s, []Effect{StopFetch}
			}
			return s, nil
		}
		if !e.Stored && (e.Bytes > AskAbove || m.Catalog.Saver) {
			m.Ask = a.ID
			return s, nil
		}
		return fetchEntry(s, e)
	case DownloadAgreed:
		if e := m.Catalog.Entry(m.Ask); e != nil {
			return fetchEntry(s, e)
		}
	case DownloadDeclined:
		m.Ask = ""
	case FetchAt:
		if m.Fetch.ID != "" {
			m.Fetch.Done, m.Fetch.Total = a.Done, a.Total
		}
	case FetchOver:
		e := m.Catalog.Entry(m.Fetch.ID)
		m.Fetch = Fetch{}
		if a.Text != "" && e != nil {
			s.Problem = s.problemFetch(e.Name, a.Text)
		}
	case FetchStopped:
		m.Fetch = Fetch{}
		return s, []Effect{StopFetch}
	case ModelDeleted:
		if e := m.Catalog.Entry(a.ID); e != nil && e.Stored {
			m.Ask = ""
			s.Models.Deleting = a.ID
			return s, []Effect{DeleteEntry}
		}
	case ModelKept:
		if s.Engine.Model != nil {
			return s, []Effect{KeepModel}
		}
	}
	return s, nil
}

func fetchEntry(s State, e *Entry) (State, []Effect) {
	s.Problem = nil
	if f := s.Engine.Fault; f != nil && f.Code == codeNoSIMD {
		return s, nil
	}
	s.Engine.Crashes, s.Engine.Fault = 0, nil
	s.Models.Ask, s.Models.Fetch = "", Fetch{ID: e.ID, Total: e.Bytes}
	return s, []Effect{FetchEntry}
}

// reduceWork follows what is made of models: at most one thing at a time.
func reduceWork(s State, a Action) (State, []Effect) {
	m := &s.Models
	busy := m.Work.Kind != WorkNone
	switch a := a.(type) {
	case CheckpointPicked:
		s.Problem = nil
		m.Work = Work{Kind: WorkRead}
		if busy {
			return s, []Effect{StopWork, ReadCheckpoint}
		}
		return s, []Effect{ReadCheckpoint}
	case CarefulSet:
		m.Careful = a.On
	case QuantizeWanted:
		if s.CanQuantize() {
			s.Problem = nil
			m.Work = Work{Kind: WorkGather, Careful: a.Careful, Total: CalibrationPictures}
			m.Made, m.Study, m.Shown = nil, nil, 0
			return s, []Effect{DropMade, StartQuantize}
		}
	case WorkAt:
		if busy {
			m.Work.Kind, m.Work.Done, m.Work.Total = a.Kind, a.Done, a.Total
		}
	case WorkFailed:
		m.Work = Work{}
		s.Problem = s.problemWork(a.Name, a.Reason, a.Text)
	case WorkStopped:
		m.Work = Work{}
		return s, []Effect{StopWork}
	case CheckpointRead:
		m.Work = Work{}
	case Quantized:
		m.Made, m.Study, m.Shown = a.Made, nil, 0
		m.Work = Work{Kind: WorkCompare}
		return s, []Effect{StartCompare}
	case CompareWanted:
		if m.Made != nil && !busy {
			m.Work = Work{Kind: WorkCompare}
			return s, []Effect{StartCompare}
		}
	case Compared:
		m.Work, m.Study, m.Shown = Work{}, a.Study, 0
		return s, []Effect{ShowCompare}
	case CompareShown:
		if m.Study != nil {
			m.Shown = max(0, min(a.Index, len(m.Study.Pictures)-1))
			return s, []Effect{ShowCompare}
		}
	case MadeOpened, MadeSaved, MadeKept:
		if m.Made != nil {
			return s, []Effect{map[Action]Effect{MadeOpened{}: OpenMade, MadeSaved{}: SaveMade, MadeKept{}: KeepMade}[a]}
		}
	case MadeDropped:
		m.Made, m.Study, m.Shown = nil, nil, 0
		return s, []Effect{DropMade}
	}
	return s, nil
}
