"""Which attributes of its sources a derived image keeps: a list by SOP class; what is not on it is left out.

Deleting what has become stale would need a list of everything that can: what a scanner wrote of its geometry, its
histogram, its frames and its private affairs. So attributes are kept that stay true when pixels move: who, what, how
it was acquired. What describes the pixels themselves is written anew (dataset.py).
"""

from dataclasses import dataclass

COMPUTED_TOMOGRAPHY = "1.2.840.10008.5.1.4.1.1.2"
MAGNETIC_RESONANCE = "1.2.840.10008.5.1.4.1.1.4"
POSITRON_EMISSION = "1.2.840.10008.5.1.4.1.1.128"
COMPUTED_RADIOGRAPHY = "1.2.840.10008.5.1.4.1.1.1"
DIGITAL_XRAY = ("1.2.840.10008.5.1.4.1.1.1.1", "1.2.840.10008.5.1.4.1.1.1.1.1")
MAMMOGRAPHY = ("1.2.840.10008.5.1.4.1.1.1.2", "1.2.840.10008.5.1.4.1.1.1.2.1")
OPHTHALMIC_PHOTOGRAPHY = ("1.2.840.10008.5.1.4.1.1.77.1.5.1", "1.2.840.10008.5.1.4.1.1.77.1.5.2")

SINGLE_FRAME = {
    "1.2.840.10008.5.1.4.1.1.2.1": COMPUTED_TOMOGRAPHY,  # Enhanced CT
    "1.2.840.10008.5.1.4.1.1.2.2": COMPUTED_TOMOGRAPHY,  # Legacy Converted Enhanced CT
    "1.2.840.10008.5.1.4.1.1.4.1": MAGNETIC_RESONANCE,
    "1.2.840.10008.5.1.4.1.1.4.4": MAGNETIC_RESONANCE,
    "1.2.840.10008.5.1.4.1.1.130": POSITRON_EMISSION,
    "1.2.840.10008.5.1.4.1.1.128.1": POSITRON_EMISSION,
}
"""Multi-frame SOP class -> the single-frame one of the same modality."""

_EVERYBODY = """
SpecificCharacterSet TimezoneOffsetFromUTC
PatientName PatientID IssuerOfPatientID TypeOfPatientID PatientBirthDate PatientSex PatientSpeciesDescription
PatientBreedDescription PatientBreedCodeSequence BreedRegistrationSequence PatientSexNeutered ResponsiblePerson
ResponsibleOrganization PatientIdentityRemoved DeidentificationMethod DeidentificationMethodCodeSequence
LongitudinalTemporalInformationModified
QualityControlSubject PatientAge PatientSize PatientWeight
ClinicalTrialSponsorName ClinicalTrialProtocolID ClinicalTrialProtocolName ClinicalTrialSiteID ClinicalTrialSiteName
ClinicalTrialSubjectID ClinicalTrialSubjectReadingID ClinicalTrialTimePointID ClinicalTrialTimePointDescription
ClinicalTrialCoordinatingCenterName
StudyInstanceUID StudyDate StudyTime ReferringPhysicianName StudyID AccessionNumber IssuerOfAccessionNumberSequence
StudyDescription
Modality Laterality ProtocolName BodyPartExamined PatientPosition AnatomicalOrientationType
Manufacturer InstitutionName StationName ManufacturerModelName DeviceSerialNumber SoftwareVersions
AcquisitionNumber AcquisitionDate AcquisitionTime AcquisitionDateTime
BurnedInAnnotation RecognizableVisualFeatures
LossyImageCompression LossyImageCompressionRatio LossyImageCompressionMethod
ContributingEquipmentSequence WindowCenter WindowWidth WindowCenterWidthExplanation VOILUTFunction
"""
"""Patient, Clinical Trial, Study, Series, Equipment and Image modules (PS3.3 C.7.1 to C.7.6.1, C.12.1)."""

_IN_SPACE = "FrameOfReferenceUID PositionReferenceIndicator"

_CONTRAST = """
ContrastBolusAgent ContrastBolusAgentSequence ContrastBolusRoute ContrastBolusAdministrationRouteSequence
ContrastBolusVolume ContrastBolusStartTime ContrastBolusStopTime ContrastBolusTotalDose ContrastFlowRate
ContrastFlowDuration ContrastBolusIngredient ContrastBolusIngredientConcentration
"""

_CT = """
KVP ScanOptions DataCollectionDiameter DistanceSourceToDetector DistanceSourceToPatient TableHeight RotationDirection
ExposureTime XRayTubeCurrent Exposure ExposureInuAs FilterType FilterMaterial GeneratorPower FocalSpots
ConvolutionKernel RevolutionTime SingleCollimationWidth TotalCollimationWidth TableSpeed TableFeedPerRotation
SpiralPitchFactor ExposureModulationType CTDIvol CTDIPhantomTypeCodeSequence EstimatedDoseSaving WaterEquivalentDiameter
"""

_MR = """
ScanningSequence SequenceVariant ScanOptions MRAcquisitionType SequenceName AngioFlag RepetitionTime EchoTime
EchoTrainLength InversionTime TriggerTime NominalInterval CardiacNumberOfImages NumberOfAverages ImagingFrequency
ImagedNucleus EchoNumbers MagneticFieldStrength PercentSampling PercentPhaseFieldOfView PixelBandwidth ReceiveCoilName
TransmitCoilName FlipAngle VariableFlipAngleFlag SAR dBdt TemporalPositionIdentifier NumberOfTemporalPositions
TemporalResolution DiffusionBValue DiffusionGradientOrientation
"""

_PT = """
SeriesDate SeriesTime Units SUVType CountsSource SeriesType ReprojectionMethod CorrectedImage
RandomsCorrectionMethod AttenuationCorrectionMethod ScatterCorrectionMethod DecayCorrection ReconstructionMethod
DetectorLinesOfResponseUsed ConvolutionKernel CollimatorType ScanOptions NumberOfTimeSlices
RadiopharmaceuticalInformationSequence PatientOrientationCodeSequence PatientGantryRelationshipCodeSequence
FrameReferenceTime ActualFrameDuration TriggerTime DecayFactor DoseCalibrationFactor ScatterFractionFactor
DeadTimeFactor PrimaryPromptsCountsAccumulated SecondaryCountsAccumulated CountsIncluded DeadTimeCorrectionFlag
"""

_RADIOGRAPH = """
KVP ExposureTime ExposureTimeInuS XRayTubeCurrent XRayTubeCurrentInuA Exposure ExposureInuAs DistanceSourceToDetector
DistanceSourceToPatient ImageAndFluoroscopyAreaDoseProduct ImageAreaDoseProduct FilterType FilterMaterial
FilterThicknessMinimum FilterThicknessMaximum FocalSpots AnodeTargetMaterial Grid Sensitivity ExposureIndex
TargetExposureIndex DeviationIndex RelativeXRayExposure BodyPartThickness CompressionForce ViewPosition ViewCodeSequence
AnatomicRegionSequence ImageLaterality EntranceDose EntranceDoseInmGy ExposureControlMode ExposureControlModeDescription
PatientOrientation
"""

_DX = """
PresentationIntentType PixelIntensityRelationship PixelIntensityRelationshipSign DetectorType DetectorConfiguration
DetectorDescription DetectorID DetectorMode DetectorPrimaryAngle DetectorTemperature DateOfLastDetectorCalibration
TimeOfLastDetectorCalibration PositionerType PositionerPrimaryAngle PositionerSecondaryAngle TableType
AcquisitionContextSequence EstimatedRadiographicMagnificationFactor AcquisitionDeviceProcessingDescription
AcquisitionDeviceProcessingCode CollimatorGridName
"""

_MG = """
OrganExposed BreastImplantPresent PartialView PartialViewDescription PartialViewCodeSequence OrganDose
ImplantPresent
"""

_OP = """
ImageLaterality AnatomicRegionSequence PatientOrientation AcquisitionDeviceTypeCodeSequence IlluminationTypeCodeSequence
LightPathFilterTypeStackCodeSequence ImagePathFilterTypeStackCodeSequence LensesCodeSequence
ChannelDescriptionCodeSequence DetectorType PatientEyeMovementCommanded PatientEyeMovementCommandCodeSequence
RefractiveStateSequence EmmetropicMagnification IntraOcularPressure HorizontalFieldOfView PupilDilated DegreeOfDilation
MydriaticAgentSequence AxialLengthOfTheEye AcquisitionContextSequence PresentationIntentType ContentDate ContentTime
FrameTime FrameIncrementPointer SynchronizationTrigger AcquisitionTimeSynchronized SynchronizationFrameOfReferenceUID
"""


@dataclass(frozen=True)
class ImageClass:
    """What a derived image of one SOP class is made of.

    Attributes
    ----------
    kept
        Keywords that it takes from its sources.
    own_to_each
        Of these, those that differ from slice to slice of a healthy series, and come from the nearest source slice.
    may_be_empty
        Attributes of type 2: there, empty where no value can be kept.
    else_value
        Attributes of type 1 whose value says that it is not known, where the standard has one.
    in_space
        Whether its pixels have a place in the patient (Image Plane module).
    """

    kept: frozenset[str]
    own_to_each: frozenset[str] = frozenset()
    may_be_empty: tuple[str, ...] = ()
    else_value: tuple[tuple[str, str], ...] = ()
    in_space: bool = False


_TYPE_2 = (
    "StudyDate", "StudyTime", "AccessionNumber", "ReferringPhysicianName", "PatientName", "PatientID",
    "PatientBirthDate", "PatientSex", "StudyID", "Manufacturer",
)  # fmt: skip


def _class(*lists: str, empty: str = "", own: str = "", unknown: tuple[tuple[str, str], ...] = (),
           in_space: bool = False) -> ImageClass:  # fmt: skip
    kept = frozenset(keyword for text in (_EVERYBODY, *lists) for keyword in text.split())
    return ImageClass(kept, frozenset(own.split()), (*_TYPE_2, *empty.split()), unknown, in_space)


_DX_EMPTY = "DetectorType PositionerType AcquisitionContextSequence"

CLASSES: dict[str, ImageClass] = {
    COMPUTED_TOMOGRAPHY: _class(
        _IN_SPACE, _CONTRAST, _CT, empty="KVP AcquisitionNumber PositionReferenceIndicator", in_space=True
    ),
    MAGNETIC_RESONANCE: _class(
        _IN_SPACE,
        _CONTRAST,
        _MR,
        empty="ScanOptions MRAcquisitionType EchoTime EchoTrainLength PositionReferenceIndicator",
        # Research Mode: what an enhanced image says of its sequence is not said in these terms (PS3.3 C.8.3.1.1.2)
        unknown=(("ScanningSequence", "RM"), ("SequenceVariant", "NONE")),
        in_space=True,
    ),
    POSITRON_EMISSION: _class(
        _IN_SPACE,
        _PT,
        empty="CorrectedImage CollimatorType RadiopharmaceuticalInformationSequence PatientOrientationCodeSequence "
        "PatientGantryRelationshipCodeSequence AcquisitionDate AcquisitionTime PositionReferenceIndicator",
        own="FrameReferenceTime ActualFrameDuration TriggerTime DecayFactor ScatterFractionFactor DeadTimeFactor "
        "AcquisitionDate AcquisitionTime PrimaryPromptsCountsAccumulated SecondaryCountsAccumulated",
        in_space=True,
    ),
    COMPUTED_RADIOGRAPHY: _class(
        _RADIOGRAPH,
        "PixelSpacingCalibrationType PixelSpacingCalibrationDescription",
        empty="BodyPartExamined ViewPosition PatientOrientation",
    ),
    **dict.fromkeys(DIGITAL_XRAY, _class(_RADIOGRAPH, _DX, empty=_DX_EMPTY)),
    **dict.fromkeys(MAMMOGRAPHY, _class(_RADIOGRAPH, _DX, _MG, empty=_DX_EMPTY)),
    **dict.fromkeys(
        OPHTHALMIC_PHOTOGRAPHY,
        _class(
            _OP,
            empty="IlluminationTypeCodeSequence LightPathFilterTypeStackCodeSequence "
            "ImagePathFilterTypeStackCodeSequence LensesCodeSequence DetectorType PatientEyeMovementCommanded "
            "RefractiveStateSequence EmmetropicMagnification IntraOcularPressure "
            "HorizontalFieldOfView PupilDilated PatientOrientation AcquisitionContextSequence",
        ),
    ),
}
"""SOP class of the output -> what it is made of. Others have no derived form here: they are refused and say so."""
